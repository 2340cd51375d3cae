using System.Net.Sockets;
using Igor.Kbr;
using Igor.Local.Protocol;
using Igor.Testing;

namespace Igor.Client.Tests;

/// <summary>What an application is told when it cannot attach.</summary>
public sealed class ConnectTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _path;

    public ConnectTests() => _path = _folder.NewPath();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task No_daemon_is_said_with_the_path_and_what_to_do()
    {
        Assert.Null(await IgorClient.TryConnectAsync(Options()));
        await ExpectRefusalAsync(_path, "igord", "--socket");
    }

    [Fact]
    public async Task Connecting_with_a_cancelled_token_throws()
    {
        var cancelled = new CancellationToken(canceled: true);
        var options = new IgorClientOptions { SocketPath = "/nobody/there" };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await IgorClient.TryConnectAsync(options, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await IgorClient.ConnectAsync(options, cancelled));
    }

    [Fact]
    public async Task Socket_of_a_dead_daemon_is_no_daemon()
    {
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(_path + "-moved"));
            File.Move(_path + "-moved", _path);
        }

        Assert.Null(await IgorClient.TryConnectAsync(Options()));
        await ExpectRefusalAsync("No daemon listens", _path);
    }

    [Fact]
    public async Task Path_that_is_too_long_is_said()
    {
        var options = new IgorClientOptions { SocketPath = "/" + new string('x', 200) };
        KbrException refusal = await Assert.ThrowsAsync<KbrException>(
            () => IgorClient.ConnectAsync(options).AsTask());
        Assert.Contains("107", refusal.Message, StringComparison.Ordinal);
    }

    [FactExceptAsRoot]
    public async Task Socket_without_permission_is_said()
    {
        using var daemon = new FakeDaemon(_path);
        File.SetUnixFileMode(_path, UnixFileMode.None);
        await ExpectRefusalAsync("permission", _path);
        await Assert.ThrowsAsync<KbrException>(() => IgorClient.TryConnectAsync(Options()).AsTask());
    }

    [Fact]
    public async Task Refusal_of_the_daemon_is_passed_on()
    {
        using var daemon = new FakeDaemon(_path);
        Task serving = ServeAsync(daemon, daemon => daemon.Send(
            new RefusedFrame(0, RefusalCode.Permission, "you are another user")));
        await ExpectRefusalAsync("you are another user");
        await serving;
    }

    [Fact]
    public async Task Version_that_was_not_offered_is_refused()
    {
        using var daemon = new FakeDaemon(_path);
        Task serving = ServeAsync(daemon, daemon => daemon.Send(FakeDaemon.Welcome with { Version = 99 }));
        await ExpectRefusalAsync("version 99", "update");
        await serving;
    }

    [Fact]
    public async Task Daemon_that_says_nothing_is_given_up()
    {
        using var daemon = new FakeDaemon(_path);
        await ExpectRefusalAsync("did not answer");
    }

    [Fact]
    public async Task Daemon_that_talks_something_else_is_given_up()
    {
        using var daemon = new FakeDaemon(_path);
        Task serving = ServeAsync(daemon, daemon => daemon.SendBytes("220 mail.example.org ESMTP\r\n"u8));
        await ExpectRefusalAsync("lost");
        await serving;
    }

    [Fact]
    public async Task Daemon_that_closes_at_once_is_given_up()
    {
        using var daemon = new FakeDaemon(_path);
        Task serving = ServeAsync(daemon, daemon => daemon.Dispose());
        await ExpectRefusalAsync("closed");
        await serving;
    }

    private static async Task ServeAsync(FakeDaemon daemon, Action<RawApplication> serve)
    {
        RawApplication application = await daemon.AcceptAsync();
        await application.ExpectAsync<HelloFrame>();
        serve(application);
    }

    private IgorClientOptions Options() =>
        new() { SocketPath = _path, ConnectTimeout = TimeSpan.FromSeconds(2) };

    private async Task ExpectRefusalAsync(params string[] words)
    {
        KbrException refusal = await Assert.ThrowsAsync<KbrException>(
            () => IgorClient.ConnectAsync(Options()).AsTask());
        Assert.All(words, word => Assert.Contains(word, refusal.Message, StringComparison.OrdinalIgnoreCase));
    }
}
