using System.Globalization;
using Igor.Client;
using Igor.Kbr;
using Igor.Terminal;
using Igor.Testing;

namespace Igor.Daemon.Tests;

/// <summary>Who handles what a socket brings.</summary>
public sealed class SocketThreadsTests : IDisposable
{
    private const int Requests = 300;
    private const string Switches = "voluntary_ctxt_switches:";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, "1")]
    [InlineData(2, "1")]
    [InlineData(4, "2")]
    [InlineData(128, "4")]
    public void Sockets_have_a_thread_for_two_processors_and_four_at_most(int processors, string threads)
    {
        Assert.Equal(
            [
                ("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1"),
                ("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", threads),
            ],
            SocketThreads.Settings(processors));
    }

    /// <summary>Each message would wake a thread of the pool, which sleeps until the next one.</summary>
    [Fact]
    public async Task Message_is_handled_by_the_thread_that_waited_for_it()
    {
        string socket = _folder.Combine("s");
        using TestProcess igord = Igord.Start(_folder.Arguments("a", "--socket", socket));
        await igord.ReadyAsync();
        await using IgorClient client = await IgorClient.ConnectAsync(
            new IgorClientOptions { SocketPath = socket });
        var application = new ContractApplication();
        application.Service = await client.SubscribeAsync(
            new SubscribeOptions { Service = "echo", Role = ServiceRole.Member }, application);
        IKbrService service = application.Service;
        await Eventually.HoldsAsync(() => service.Neighbours.IsMember, "it is a member");

        long before = PoolSwitches(igord.Id);
        for (int i = 0; i < Requests; i++)
        {
            KbrReply reply = await service.RequestAsync(
                Key.Zero, new byte[1], new RequestOptions(TimeSpan.FromSeconds(20)));
            Assert.Equal(KbrStatus.Ok, reply.Status);
        }

        Assert.InRange(PoolSwitches(igord.Id) - before, 0, Requests / 2);
    }

    /// <summary>How often the threads of the platform's pool went to sleep.</summary>
    private static long PoolSwitches(int process) => Directory
        .GetDirectories($"/proc/{process}/task")
        .Where(task => File.ReadAllText(task + "/comm").StartsWith(".NET TP", StringComparison.Ordinal))
        .SelectMany(task => File.ReadLines(task + "/status"))
        .Where(line => line.StartsWith(Switches, StringComparison.Ordinal))
        .Sum(line => long.Parse(line[Switches.Length..], CultureInfo.InvariantCulture));
}
