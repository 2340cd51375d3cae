using Igor.Kbr;
using Igor.Local.Protocol;
using Igor.Local;
using Igor.Testing;

namespace Igor.Client.Tests;

/// <summary>An attached application: upcalls, bounds, and daemons that hang, go and come back.</summary>
public sealed class IgorClientTests : IDisposable
{
    private static readonly RequestOptions Patient = new(TimeSpan.FromSeconds(20));

    private readonly TemporaryFolder _folder = new();
    private readonly FakeHost _host = new();
    private readonly string _path;

    public IgorClientTests() => _path = _folder.NewPath();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Client_knows_its_node()
    {
        await using LocalSocketServer server = Serve(_host);
        await using IgorClient client = await ConnectAsync();
        Assert.Equal((_host.NodeId, "igor", _path), (client.NodeId, client.Network, client.SocketPath));
        Assert.True(client.IsConnected);
        Assert.Equal("1.2.3", (await client.GetStatusAsync()).Version);
    }

    [Fact]
    public async Task Upcalls_come_one_at_a_time()
    {
        await using LocalSocketServer server = Serve(_host);
        await using IgorClient client = await ConnectAsync();
        var application = new CountingApplication();
        IKbrService service = await SubscribeAsync(client, application);
        Task[] deliverers =
        [
            .. Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                for (int i = 0; i < 500; i++)
                {
                    _host.Services[0].Application.Deliver(
                        new KbrDelivery(Key.Max, Key.Zero, default, new byte[9]));

                    // Some end here, too large.
                    service.Request(Key.Zero, new byte[2000], Patient, application.Complete);
                }
            })),
        ];
        await Task.WhenAll(deliverers);
        await Eventually.HoldsAsync(() => application.Count == 4000, "all upcalls came");
        Assert.False(application.Overlapped);
    }

    [Fact]
    public async Task Upcall_that_throws_is_survived()
    {
        await using LocalSocketServer server = Serve(_host);
        await using IgorClient client = await ConnectAsync();
        var application = new CountingApplication { Throws = true };
        IKbrService service = await SubscribeAsync(client, application);
        service.Route(Key.Zero, new byte[1]); // the fake delivers it
        await Eventually.HoldsAsync(() => application.Count == 1, "the upcall came");
        Assert.Equal(KbrStatus.Ok, (await service.RequestAsync(Key.Zero, new byte[1], Patient)).Status);
    }

    [Fact]
    public async Task Deliver_that_throws_fails_the_request_at_the_daemon()
    {
        await using LocalSocketServer server = Serve(_host);
        await using IgorClient client = await ConnectAsync();
        await SubscribeAsync(client, new CountingApplication { Throws = true });
        Deliver(_host, 99);
        FakeHost.FakeService service = _host.Services[0];
        await Eventually.HoldsAsync(() => service.Failures.Count > 0, "the failure reaches the node");
        (DeliveryToken token, string error, bool isTemporary) = Assert.Single(service.Failures);
        Assert.Equal((new DeliveryToken(99), false), (token, isTemporary));
        Assert.Contains(nameof(InvalidOperationException), error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Large_messages_both_ways_at_once_do_not_hang()
    {
        await using LocalSocketServer server = LocalSocketServer.Start(
            _host, new LocalSocketServerOptions { Path = _path, OutgoingBytesMax = 100_000_000 });
        await using IgorClient client = await ConnectAsync(
            new IgorClientOptions { OutgoingBytesMax = 100_000_000 });
        IKbrService service = await SubscribeAsync(client, new ContractApplication());
        byte[] payload = new byte[200_000];
        Task<KbrReply>[] open =
            [.. Enumerable.Range(0, 200).Select(_ => service.RequestAsync(Key.Zero, payload, Patient))];
        foreach (Task<KbrReply> request in open)
        {
            KbrReply reply = await Eventually.CompletesAsync(request, "all requests end");
            Assert.Equal((KbrStatus.Ok, payload.Length), (reply.Status, reply.Payload.Length));
        }
    }

    [Fact]
    public async Task Requests_beyond_the_bound_end_as_overloaded()
    {
        await using LocalSocketServer server = Serve(_host);
        await using IgorClient client = await ConnectAsync(new IgorClientOptions { RequestsMax = 3 });
        _host.Answers = _ => null;
        IKbrService service = await SubscribeAsync(client, new ContractApplication());
        Task<KbrReply>[] open =
            [.. Enumerable.Range(0, 4).Select(_ => service.RequestAsync(Key.Zero, new byte[1], Patient))];
        KbrReply last = await Eventually.CompletesAsync(open[3], "the fourth ends");
        Assert.Equal(KbrStatus.Overloaded, last.Status);
        Assert.All(open[..3], request => Assert.False(request.IsCompleted));
    }

    [Fact]
    public async Task Request_to_a_daemon_that_hangs_ends_with_Timeout()
    {
        using var daemon = new FakeDaemon(_path);
        Task<RawApplication> serving = daemon.WelcomeAsync();
        await using IgorClient client = await ConnectAsync();
        using RawApplication application = await serving;
        Task<IKbrService> subscribing = SubscribeAsync(client, new ContractApplication());
        SubscribeFrame subscribe = await application.ExpectAsync<SubscribeFrame>();
        application.Send(new SubscribedFrame(subscribe.Call, NeighbourSet.Alone(client.NodeId, false)));
        IKbrService service = await subscribing;
        KbrReply reply = await Eventually.CompletesAsync(
            service.RequestAsync(Key.Zero, new byte[1], new RequestOptions(TimeSpan.FromMilliseconds(10))),
            "it ends");
        Assert.Equal(KbrStatus.Timeout, reply.Status);
        RequestFrame request = await application.ExpectAsync<RequestFrame>();
        Assert.Equal(request.Request, (await application.ExpectAsync<CancelFrame>()).Request);

        // Late, for nobody.
        application.Send(new ResultFrame(request.Request, KbrStatus.Ok, default, default));
    }

    [Theory]
    [InlineData(1000, true)] // what the fake daemon allows
    [InlineData(1001, false)]
    public async Task Replacement_that_is_too_large_stops_the_message(int bytes, bool goes)
    {
        using var daemon = new FakeDaemon(_path);
        Task<RawApplication> serving = daemon.WelcomeAsync();
        await using IgorClient client = await ConnectAsync();
        using RawApplication application = await serving;
        Task<IKbrService> subscribing = SubscribeAsync(
            client, new ContractApplication { Decides = _ => ForwardDecision.Replace(new byte[bytes]) });
        SubscribeFrame subscribe = await application.ExpectAsync<SubscribeFrame>();
        application.Send(new ForwardFrame(
            subscribe.Subscription, 7, Key.Max, Key.Zero, Key.Zero, new byte[] { 1 }));
        DecideFrame decide = await application.ExpectAsync<DecideFrame>();
        Assert.Equal((7, goes, goes), (decide.Parked, decide.Goes, decide.Replacement?.Length == bytes));
        application.Send(new SubscribedFrame(subscribe.Call, NeighbourSet.Alone(client.NodeId, false)));
        await subscribing;
    }

    [Fact]
    public async Task Restart_of_the_daemon_is_survived()
    {
        LocalSocketServer first = Serve(_host);
        await using IgorClient client = await ConnectAsync();
        _host.Answers = _ => null;
        _host.FirstNeighbours = Ring(_host, "a", "b");
        var application = new ContractApplication();
        IKbrService service = await SubscribeAsync(client, application);
        application.Service = service;
        Assert.Equal(2, service.Neighbours.Count);
        Task<KbrReply> open = service.RequestAsync(Key.Zero, new byte[1], Patient);
        await Eventually.HoldsAsync(() => _host.Services[0].Requests == 1, "the request is under way");

        await first.DisposeAsync();
        KbrReply ended = await Eventually.CompletesAsync(open, "it ends with the daemon");
        Assert.Equal(KbrStatus.Closed, ended.Status);
        await Eventually.HoldsAsync(() => application.Updates.Count == 1, "the application is told");
        Assert.Equal(0, service.Neighbours.Count);
        Assert.Equal(2, application.Updates[0].Departed.Length);
        Assert.False(client.IsConnected);
        Assert.Equal(KbrStatus.Closed, (await service.RequestAsync(Key.Zero, new byte[1], Patient)).Status);
        await Assert.ThrowsAsync<KbrException>(() => SubscribeAsync(client, new ContractApplication()));

        var successor = new FakeHost("successor");
        successor.FirstNeighbours = Ring(successor, "b", "c");
        await using LocalSocketServer second = Serve(successor);
        await Eventually.HoldsAsync(() => application.Updates.Count == 2, "the service is back");
        Assert.Equal((successor.NodeId, successor.NodeId), (client.NodeId, service.NodeId));
        Assert.Equal(service.Neighbours.Others, application.Updates[1].Joined);
        Assert.Equal(KbrStatus.Ok, (await service.RequestAsync(Key.Zero, new byte[1], Patient)).Status);
        FakeHost.FakeService resubscribed = Assert.Single(successor.Services);
        Assert.Equal((service.Name, ServiceRole.Member), (resubscribed.Name, resubscribed.Role));
    }

    [Fact]
    public async Task Reply_to_a_delivery_of_an_earlier_daemon_is_dropped()
    {
        LocalSocketServer first = Serve(_host);
        await using IgorClient client = await ConnectAsync();
        var application = new ContractApplication { Answers = false };
        IKbrService service = await SubscribeAsync(client, application);
        Deliver(_host, token: 1);
        await Eventually.HoldsAsync(() => application.Deliveries.Count == 1, "the first delivery came");
        await first.DisposeAsync();

        var successor = new FakeHost("successor");
        await using LocalSocketServer second = Serve(successor);
        await Eventually.HoldsAsync(() => successor.Services.Count == 1 && client.IsConnected, "it is back");
        Deliver(successor, token: 2);
        await Eventually.HoldsAsync(() => application.Deliveries.Count == 2, "the second delivery came");
        service.Reply(application.Deliveries[0].Token, new byte[] { 1 });
        service.Reply(application.Deliveries[1].Token, new byte[] { 2 });
        await Eventually.HoldsAsync(() => successor.Services[0].Replies.Count > 0, "a reply came");
        await client.GetStatusAsync();
        (DeliveryToken token, byte[] payload) = Assert.Single(successor.Services[0].Replies);
        Assert.Equal((2L, 2), (token.Value, payload[0]));
    }

    [Fact]
    public async Task Service_that_a_new_daemon_refuses_is_closed()
    {
        LocalSocketServer first = Serve(_host);
        await using IgorClient client = await ConnectAsync();
        IKbrService service = await SubscribeAsync(client, new ContractApplication());
        await first.DisposeAsync();
        await using LocalSocketServer second = Serve(new FakeHost { Refusal = "taken" });
        await Eventually.HoldsAsync(() => client.IsConnected, "the daemon is back");
        Assert.Equal(KbrStatus.Closed, (await service.RequestAsync(Key.Zero, new byte[1], Patient)).Status);
    }

    [Fact]
    public async Task Client_that_does_not_reconnect_stays_closed()
    {
        LocalSocketServer first = Serve(_host);
        await using IgorClient client = await ConnectAsync(new IgorClientOptions { Reconnects = false });
        IKbrService service = await SubscribeAsync(client, new ContractApplication());
        await first.DisposeAsync();
        await Eventually.HoldsAsync(() => !client.IsConnected, "the daemon is gone");
        Assert.Equal(KbrStatus.Closed, (await service.RequestAsync(Key.Zero, new byte[1], Patient)).Status);
    }

    [Fact]
    public async Task Disposed_client_ends_everything()
    {
        await using LocalSocketServer server = Serve(_host);
        _host.Answers = _ => null;
        IgorClient client = await ConnectAsync();
        IKbrService service = await SubscribeAsync(client, new ContractApplication());
        Task<KbrReply> open = service.RequestAsync(Key.Zero, new byte[1], Patient);
        await client.DisposeAsync();
        Assert.Equal(KbrStatus.Closed, (await Eventually.CompletesAsync(open, "it ends")).Status);
        await Eventually.HoldsAsync(() => _host.Open.Count == 0, "the daemon lets go");
        await Assert.ThrowsAsync<KbrException>(() => client.GetStatusAsync().AsTask());
        await client.DisposeAsync();
        await service.DisposeAsync();
    }

    [Fact]
    public async Task Several_applications_share_a_daemon()
    {
        await using LocalSocketServer server = Serve(_host);
        await using IgorClient one = await ConnectAsync();
        await using IgorClient other = await ConnectAsync();
        var first = new ContractApplication();
        var second = new ContractApplication();
        await SubscribeAsync(one, first, "one");
        await SubscribeAsync(other, second, "other");
        Deliver(_host, token: 0);
        await Eventually.HoldsAsync(() => first.Deliveries.Count == 1, "it reaches the one");
        Assert.Empty(second.Deliveries);
        await one.DisposeAsync();
        await Eventually.HoldsAsync(() => _host.Open.Count == 1, "the one is gone");
        Assert.Equal("other", _host.Open[0].Name);
    }

    private LocalSocketServer Serve(FakeHost host) =>
        LocalSocketServer.Start(
            host, new LocalSocketServerOptions { Path = _path, PayloadBytesMax = 1_000_000 });

    private ValueTask<IgorClient> ConnectAsync(IgorClientOptions? options = null) =>
        IgorClient.ConnectAsync((options ?? new IgorClientOptions()) with
        {
            SocketPath = _path,
            ReconnectDelay = TimeSpan.FromMilliseconds(5),
        });

    private static Task<IKbrService> SubscribeAsync(
        IgorClient client, IKbrApplication application, string name = "a") =>
        client.SubscribeAsync(
            new SubscribeOptions { Service = name, Role = ServiceRole.Member }, application).AsTask();

    private static void Deliver(FakeHost host, long token) => host.Services[0].Application.Deliver(
        new KbrDelivery(Key.Max, Key.Zero, new DeliveryToken(token), new byte[] { 1 }));

    private static NeighbourSet Ring(FakeHost host, params string[] others) =>
        new(host.NodeId, true, [.. others.Select(Key.HashOf)], [.. others.Select(Key.HashOf)], version: 3);

    private sealed class CountingApplication : IKbrApplication
    {
        private int _inside;
        private int _count;

        public bool Throws { get; init; }

        public bool Overlapped { get; private set; }

        public int Count => Volatile.Read(ref _count);

        public void Deliver(in KbrDelivery delivery) => Enter();

        public void Complete(KbrReply reply) => Enter();

        public void Update(NeighbourChange change) => Enter();

        private void Enter()
        {
            Overlapped |= Interlocked.Increment(ref _inside) > 1;
            Thread.SpinWait(50);
            Interlocked.Decrement(ref _inside);
            Interlocked.Increment(ref _count);
            if (Throws)
            {
                throw new InvalidOperationException("a bug of the application");
            }
        }
    }
}
