using System.Net.Sockets;
using Igor.Kbr;
using Igor.Local.Protocol;
using Igor.Testing;

namespace Igor.Client.Tests;

/// <summary>A client that lost its daemon and comes back to it.</summary>
public sealed class ReconnectionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeDaemon _daemon;
    private readonly string _path;

    public ReconnectionTests()
    {
        _path = _folder.NewPath();
        _daemon = new FakeDaemon(_path);
    }

    public void Dispose()
    {
        _daemon.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Failure_of_any_kind_does_not_end_the_attempts()
    {
        var options = new IgorClientOptions { ReconnectDelay = TimeSpan.FromMilliseconds(1) };
        int attempts = 0;
        await Reconnection.RunAsync(
            options,
            _ => ++attempts < 3
                ? throw new SocketException((int)SocketError.TooManyOpenSockets)
                : Task.FromResult<DaemonConnection>(null!),
            CancellationToken.None);
        Assert.Equal(3, attempts);
    }

    [Fact]
    public async Task Connection_lost_while_services_come_back_keeps_the_services()
    {
        (IgorClient client, IKbrService[] services, RawApplication second) = await LoseDaemonAsync("a", "b");
        await using IgorClient closing = client;
        await second.ExpectAsync<SubscribeFrame>();

        // The end of a request holds up the end of the connection; a third subscription waits for its turn.
        using var isOver = new ManualResetEventSlim();
        services[0].Request(
            Key.Zero, new byte[1], new RequestOptions(Eventually.Patience), _ => isOver.Wait());
        await second.ExpectAsync<RequestFrame>();
        Task<IKbrService> third = SubscribeAsync(client, "c");
        second.Dispose();
        await Assert.ThrowsAsync<KbrException>(() => third);
        isOver.Set();

        using RawApplication next = await _daemon.WelcomeAsync();
        Assert.Equal("a", await AnswerSubscribeAsync(next));
        Assert.Equal("b", await AnswerSubscribeAsync(next));
    }

    [Fact]
    public async Task Daemon_that_has_not_let_go_of_a_service_is_asked_again()
    {
        (IgorClient client, IKbrService[] services, RawApplication second) = await LoseDaemonAsync("a");
        await using IgorClient closing = client;
        using RawApplication daemon = second;
        SubscribeFrame subscribe = await daemon.ExpectAsync<SubscribeFrame>();
        daemon.Send(new RefusedFrame(subscribe.Call, RefusalCode.Node, "it has a member"));
        Assert.Equal("a", await AnswerSubscribeAsync(daemon));
        services[0].Request(Key.Zero, new byte[1], new RequestOptions(Eventually.Patience), _ => { });
        await daemon.ExpectAsync<RequestFrame>();
    }

    [Fact]
    public async Task Service_that_is_detached_before_its_turn_does_not_come_back()
    {
        (IgorClient client, IKbrService[] services, RawApplication second) = await LoseDaemonAsync("a", "b");
        await using IgorClient closing = client;
        using RawApplication daemon = second;
        SubscribeFrame a = await daemon.ExpectAsync<SubscribeFrame>();
        Task detaching = services[1].DisposeAsync().AsTask();
        await RefuseUnsubscribeAsync(daemon);
        await detaching;
        Task<IKbrService> third = SubscribeAsync(client, "c");
        Answer(daemon, a);
        Assert.Equal("c", await AnswerSubscribeAsync(daemon));
        await third;
    }

    [Fact]
    public async Task Service_that_is_detached_in_its_turn_is_detached_from_the_daemon()
    {
        (IgorClient client, IKbrService[] services, RawApplication second) = await LoseDaemonAsync("a");
        await using IgorClient closing = client;
        using RawApplication daemon = second;
        SubscribeFrame a = await daemon.ExpectAsync<SubscribeFrame>();
        Task detaching = services[0].DisposeAsync().AsTask();
        await RefuseUnsubscribeAsync(daemon); // as if it had overtaken the other
        await detaching;
        Answer(daemon, a);
        Assert.Equal(a.Subscription, (await daemon.ExpectAsync<UnsubscribeFrame>()).Subscription);
    }

    /// <summary>
    /// A client that lost its daemon while services of these names were attached, and is welcomed again.
    /// </summary>
    private async Task<(IgorClient Client, IKbrService[] Services, RawApplication Daemon)> LoseDaemonAsync(
        params string[] names)
    {
        Task<RawApplication> serving = _daemon.WelcomeAsync();
        IgorClient client = await IgorClient.ConnectAsync(new IgorClientOptions
        {
            SocketPath = _path,
            ReconnectDelay = TimeSpan.FromMilliseconds(1),
        });
        using (RawApplication first = await serving)
        {
            var services = new List<IKbrService>();
            foreach (string name in names)
            {
                Task<IKbrService> subscribing = SubscribeAsync(client, name);
                await AnswerSubscribeAsync(first);
                services.Add(await subscribing);
            }

            first.Dispose();
            return (client, [.. services], await _daemon.WelcomeAsync());
        }
    }

    private static Task<IKbrService> SubscribeAsync(IgorClient client, string name)
    {
        var options = new SubscribeOptions { Service = name, Role = ServiceRole.Member };
        return client.SubscribeAsync(options, new ContractApplication()).AsTask();
    }

    /// <summary>Subscribes what is asked for; its name.</summary>
    private static async Task<string> AnswerSubscribeAsync(RawApplication daemon)
    {
        SubscribeFrame subscribe = await daemon.ExpectAsync<SubscribeFrame>();
        Answer(daemon, subscribe);
        return subscribe.Service;
    }

    private static void Answer(RawApplication daemon, SubscribeFrame subscribe) => daemon.Send(
        new SubscribedFrame(
            subscribe.Call, NeighbourSet.Alone(FakeDaemon.Welcome.NodeId, isMember: true)));

    private static async Task RefuseUnsubscribeAsync(RawApplication daemon)
    {
        UnsubscribeFrame unsubscribe = await daemon.ExpectAsync<UnsubscribeFrame>();
        daemon.Send(new RefusedFrame(unsubscribe.Call, RefusalCode.Subscription, "no such subscription"));
    }
}
