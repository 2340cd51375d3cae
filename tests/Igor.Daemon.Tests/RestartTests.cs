using Igor.Client;
using Igor.Kbr;
using Igor.Testing;

namespace Igor.Daemon.Tests;

/// <summary>An application whose daemon dies and comes back, with real processes.</summary>
public sealed class RestartTests : IDisposable
{
    private static readonly RequestOptions Patient = new(TimeSpan.FromSeconds(20));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Signals.Kill, true)]
    [InlineData(Signals.Terminate, false)]
    public async Task Application_survives_the_restart_of_its_daemon(int signal, bool keepsDisk)
    {
        string socket = _folder.Combine("s");
        using TestProcess first = Igord.Start(_folder.Arguments("a", "--socket", socket));
        await first.ReadyAsync();
        await using IgorClient client = await IgorClient.ConnectAsync(
            new IgorClientOptions { SocketPath = socket });
        Key firstId = client.NodeId;
        var application = new ContractApplication();
        application.Service = await client.SubscribeAsync(
            new SubscribeOptions { Service = "survivor", Role = ServiceRole.Member }, application);
        IKbrService service = application.Service;
        await Eventually.HoldsAsync(() => service.Neighbours.IsMember, "it is a member");
        application.Answers = false;
        Task<KbrReply> open = service.RequestAsync(Key.Zero, new byte[1], Patient);
        await Eventually.HoldsAsync(() => application.Deliveries.Count == 1, "the request is open");

        first.Signal(signal);
        KbrReply ended = await Eventually.CompletesAsync(open, "it ends with the daemon");
        Assert.Equal(KbrStatus.Closed, ended.Status);
        await first.ExitAsync();
        await Eventually.HoldsAsync(() => !service.Neighbours.IsMember, "it is told that it is none");

        using TestProcess second = Igord.Start(
            _folder.Arguments(keepsDisk ? "a" : "b", "--socket", socket));
        (_, string secondId, _) = await second.ReadyAsync();
        await Eventually.HoldsAsync(() => service.Neighbours.IsMember, "it is a member again");
        Assert.Equal(secondId, service.NodeId.ToString());
        Assert.Equal(keepsDisk, service.NodeId == firstId);
        application.Answers = true;
        KbrReply reply = await Eventually.CompletesAsync(
            service.RequestAsync(Key.Zero, new byte[] { 5 }, Patient), "a request is answered");
        Assert.Equal((KbrStatus.Ok, client.NodeId), (reply.Status, reply.Responder));
    }
}
