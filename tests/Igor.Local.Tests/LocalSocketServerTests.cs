using Igor.Kbr;
using Igor.Local.Protocol;
using Igor.Local.Sockets;
using Igor.Testing;

namespace Igor.Local.Tests;

/// <summary>The daemon's side of the local socket, and applications that misbehave.</summary>
public sealed class LocalSocketServerTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeHost _host = new();
    private LocalSocketServer _server = null!;

    public Task InitializeAsync()
    {
        _server = Serve(_folder.NewPath());
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public void Application_of_another_user_is_not_allowed()
    {
        Assert.True(new PeerCredentials(1, PeerCredentials.OwnUser).IsAllowed);
        Assert.True(new PeerCredentials(1, 0).IsAllowed);
        Assert.False(new PeerCredentials(1, PeerCredentials.OwnUser + 1).IsAllowed);
    }

    [Fact]
    public async Task Garbage_is_refused_and_others_are_served_on()
    {
        using RawApplication good = await RawApplication.AttachAsync(_server.Path);
        using RawApplication bad = await RawApplication.AttachAsync(_server.Path);
        bad.SendBody(0xc1, 0xc1, 0xc1);
        await bad.ExpectEndAsync(RefusalCode.Malformed, "");
        good.Send(new StatusFrame(5));
        Assert.Equal("1.2.3", (await good.ExpectAsync<StatusResultFrame>()).Status.Version);
    }

    [Fact]
    public async Task Stream_of_another_protocol_is_refused()
    {
        using RawApplication browser = RawApplication.Connect(_server.Path);
        browser.SendBytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8);
        await browser.ExpectEndAsync(RefusalCode.Malformed, "larger");
    }

    [Fact]
    public async Task Frame_beyond_the_limit_is_refused_before_it_is_sent()
    {
        using RawApplication application = await RawApplication.AttachAsync(_server.Path);
        application.SendBytes([0x7f, 0xff, 0xff, 0xff]);
        await application.ExpectEndAsync(RefusalCode.Malformed, "larger");
    }

    [Fact]
    public async Task First_frame_must_be_a_hello()
    {
        using RawApplication application = RawApplication.Connect(_server.Path);
        application.Send(new StatusFrame(1));
        await application.ExpectEndAsync(RefusalCode.Hello, "hello");
    }

    [Fact]
    public async Task Second_hello_ends_the_session()
    {
        using RawApplication application = await RawApplication.AttachAsync(_server.Path);
        application.Send(new HelloFrame(1, 1, "again"));
        await application.ExpectEndAsync(RefusalCode.Hello, "second");
    }

    [Fact]
    public async Task Hello_without_a_common_version_is_refused_with_both_ranges()
    {
        using RawApplication application = RawApplication.Connect(_server.Path);
        application.Send(new HelloFrame(7, 9, "from the future"));
        await application.ExpectEndAsync(RefusalCode.Version, "7 to 9");
    }

    [Fact]
    public async Task Hello_with_a_common_version_gets_the_highest()
    {
        using RawApplication application = RawApplication.Connect(_server.Path);
        application.Send(new HelloFrame(0, 9, "of all times"));
        WelcomeFrame welcome = await application.ExpectAsync<WelcomeFrame>();
        Assert.Equal((LocalProtocol.VersionMax, _host.NodeId), (welcome.Version, welcome.NodeId));
    }

    [Fact]
    public async Task Unknown_type_is_refused_and_the_session_goes_on()
    {
        using RawApplication application = await RawApplication.AttachAsync(_server.Path);
        application.SendBody(0x92, 0xcd, 0x12, 0x67, 0x01);
        RefusedFrame refused = await application.ExpectAsync<RefusedFrame>();
        Assert.Equal(RefusalCode.UnknownType, refused.Code);
        Assert.Contains("4711", refused.Text, StringComparison.Ordinal);
        application.Send(new WelcomeFrame(1, default, "", 0, "")); // known, but not for a daemon
        Assert.Equal(RefusalCode.UnknownType, (await application.ExpectAsync<RefusedFrame>()).Code);
        application.Send(new StatusFrame(6));
        Assert.Equal(6, (await application.ExpectAsync<StatusResultFrame>()).Call);
    }

    [Fact]
    public async Task Connection_that_says_nothing_is_closed()
    {
        await using LocalSocketServer server = Serve(
            _folder.NewPath(), options => options with { HelloTimeout = TimeSpan.FromMilliseconds(50) });
        using RawApplication application = RawApplication.Connect(server.Path);
        Assert.Null(await application.ReceiveAsync());
        await Eventually.HoldsAsync(() => server.SessionCount == 0, "the session is gone");
    }

    [Fact]
    public async Task Application_beyond_the_bound_is_refused()
    {
        await using LocalSocketServer server = Serve(
            _folder.NewPath(), options => options with { SessionsMax = 1 });
        using (RawApplication first = await RawApplication.AttachAsync(server.Path))
        using (RawApplication second = RawApplication.Connect(server.Path))
        {
            await second.ExpectEndAsync(RefusalCode.TooMany, "1 applications");
        }

        await Eventually.HoldsAsync(() => server.SessionCount == 0, "the first has gone");
        using RawApplication third = await RawApplication.AttachAsync(server.Path);
    }

    [Fact]
    public async Task A_connection_that_says_nothing_keeps_no_application_out()
    {
        await using LocalSocketServer server = Serve(
            _folder.NewPath(), options => options with { SessionsMax = 1 });
        using RawApplication silent = RawApplication.Connect(server.Path);
        await Eventually.HoldsAsync(() => server.SessionCount == 1, "the silent one has its place");
        using RawApplication application = await RawApplication.AttachAsync(server.Path);
        Assert.Null(await silent.ReceiveAsync());
    }

    [Fact]
    public async Task A_process_with_many_idle_sessions_gives_up_its_oldest()
    {
        await using LocalSocketServer server = Serve(
            _folder.NewPath(), options => options with { SessionsMax = 3 });
        using RawApplication attached = await RawApplication.AttachAsync(server.Path);
        await SubscribeAsync(attached, 1);
        using RawApplication idle = await RawApplication.AttachAsync(server.Path);
        using RawApplication newer = await RawApplication.AttachAsync(server.Path);
        using RawApplication newest = await RawApplication.AttachAsync(server.Path);
        Assert.Null(await idle.ReceiveAsync());
        await SubscribeAsync(attached, 2);
    }

    [Fact]
    public async Task Subscriptions_are_bounded_and_their_numbers_are_the_applications_own()
    {
        await using LocalSocketServer server = Serve(
            _folder.NewPath(), options => options with { SubscriptionsMax = 2 });
        using RawApplication application = await RawApplication.AttachAsync(server.Path);
        await SubscribeAsync(application, 7);
        application.Send(new SubscribeFrame(1, 7, "b", ServiceRole.Client, false));
        Assert.Equal(RefusalCode.Subscription, (await application.ExpectAsync<RefusedFrame>()).Code);
        await SubscribeAsync(application, 8);
        application.Send(new SubscribeFrame(2, 9, "c", ServiceRole.Client, false));
        Assert.Equal(RefusalCode.TooMany, (await application.ExpectAsync<RefusedFrame>()).Code);
        application.Send(new UnsubscribeFrame(3, 7));
        Assert.Equal(3, (await application.ExpectAsync<UnsubscribedFrame>()).Call);
        application.Send(new UnsubscribeFrame(4, 7));
        Assert.Equal(RefusalCode.Subscription, (await application.ExpectAsync<RefusedFrame>()).Code);
        await SubscribeAsync(application, 9);
    }

    [Fact]
    public async Task Refusal_of_the_node_is_passed_on()
    {
        _host.Refusal = "full of members";
        using RawApplication application = await RawApplication.AttachAsync(_server.Path);
        application.Send(new SubscribeFrame(11, 1, "a", ServiceRole.Member, false));
        Assert.Equal(
            new RefusedFrame(11, RefusalCode.Node, "full of members"),
            await application.ExpectAsync<RefusedFrame>());
    }

    [Fact]
    public async Task Requests_of_an_application_are_bounded_until_they_end_or_are_cancelled()
    {
        await using LocalSocketServer server = Serve(
            _folder.NewPath(), options => options with { RequestsMax = 2 });
        _host.Answers = _ => null;
        using RawApplication application = await RawApplication.AttachAsync(server.Path);
        await SubscribeAsync(application, 1);
        SendRequests(application, 1, 2, 3);
        Assert.Equal(
            new ResultFrame(3, KbrStatus.Overloaded, default, default),
            (await application.ExpectAsync<ResultFrame>()) with { Payload = default });
        application.Send(new CancelFrame(2));
        _host.Answers = null;
        SendRequests(application, 4);
        Assert.Equal(4, (await application.ExpectAsync<ResultFrame>()).Request);
    }

    [Fact]
    public async Task Request_without_a_subscription_ends_with_Closed()
    {
        using RawApplication application = await RawApplication.AttachAsync(_server.Path);
        SendRequests(application, 21);
        ResultFrame result = await application.ExpectAsync<ResultFrame>();
        Assert.Equal((21, KbrStatus.Closed), (result.Request, result.Status));
    }

    [Fact]
    public async Task Route_without_a_subscription_is_refused()
    {
        using RawApplication application = await RawApplication.AttachAsync(_server.Path);
        application.Send(new RouteFrame(7, Key.Zero, false, new byte[1]));
        RefusedFrame refused = await application.ExpectAsync<RefusedFrame>();
        Assert.Equal((0, RefusalCode.Subscription), (refused.Call, refused.Code));
        Assert.Contains("7", refused.Text, StringComparison.Ordinal);
        application.Send(new StatusFrame(1));
        await application.ExpectAsync<StatusResultFrame>();
    }

    [Fact]
    public async Task Application_that_dies_is_unsubscribed_and_what_it_was_asked_goes_on()
    {
        RawApplication application = await RawApplication.AttachAsync(_server.Path);
        FakeHost.FakeService service = await SubscribeAsync(application, 1);
        ForwardDecision? decision = null;
        service.Application.ForwardLater(
            new KbrForward(Key.Max, Key.Zero, Key.Zero, new byte[] { 1 }), decided => decision = decided);
        await application.ExpectAsync<ForwardFrame>();
        Assert.Null(decision);
        application.Dispose();
        await Eventually.HoldsAsync(
            () => service.IsDisposed && decision is not null, "the session has ended");
        Assert.Equal(ForwardDecision.Continue, decision);

        // To nobody.
        service.Application.Deliver(new KbrDelivery(Key.Max, Key.Zero, default, new byte[] { 1 }));
    }

    [Fact]
    public async Task Messages_beyond_the_bound_go_on_undecided()
    {
        await using LocalSocketServer server = Serve(
            _folder.NewPath(), options => options with { ForwardsMax = 2 });
        using RawApplication application = await RawApplication.AttachAsync(server.Path);
        FakeHost.FakeService service = await SubscribeAsync(application, 1);
        var decided = new List<int>();
        for (int i = 0; i < 3; i++)
        {
            int number = i;
            service.Application.ForwardLater(
                new KbrForward(Key.Max, Key.Zero, Key.Zero, new byte[] { 1 }), _ => decided.Add(number));
        }

        Assert.Equal([0], decided);
    }

    [Fact]
    public async Task Application_that_does_not_read_is_disconnected_and_nobody_waits_for_it()
    {
        await using LocalSocketServer server = Serve(
            _folder.NewPath(),
            options => options with
            {
                OutgoingBytesMax = 2_000_000,
                StallTimeout = TimeSpan.FromMilliseconds(50),
            });
        using RawApplication asleep = await RawApplication.AttachAsync(server.Path);
        FakeHost.FakeService service = await SubscribeAsync(asleep, 1);
        using RawApplication awake = await RawApplication.AttachAsync(server.Path);
        byte[] payload = new byte[100_000];
        await Eventually.HoldsAsync(
            () =>
            {
                // Never blocks.
                service.Application.Deliver(new KbrDelivery(Key.Max, Key.Zero, default, payload));
                return service.IsDisposed && server.SessionCount == 1;
            },
            "the sleeper is out");
        awake.Send(new StatusFrame(1));
        await awake.ExpectAsync<StatusResultFrame>();
    }

    [Fact]
    public async Task Application_that_reads_late_gets_a_result_for_every_request()
    {
        await using LocalSocketServer server = Serve(
            _folder.NewPath(), options => options with { OutgoingBytesMax = 2_000_000 });
        using RawApplication application = await RawApplication.AttachAsync(server.Path);
        await SubscribeAsync(application, 1);
        byte[] payload = new byte[100_000];
        for (int i = 0; i < 100; i++)
        {
            // The fake answers at once.
            application.Send(new RequestFrame(1, i, Key.Zero, false, 1000, payload));
        }

        await Eventually.HoldsAsync(() => _host.Services[^1].Requests == 100, "all requests were taken");
        var results = new List<ResultFrame>();
        while (results.Count < 100)
        {
            results.Add(await application.ExpectAsync<ResultFrame>());
        }

        Assert.Equal(Enumerable.Range(0, 100).Select(i => (long)i), results.Select(result => result.Request));
        Assert.Contains(results, result => result.Status == KbrStatus.Overloaded && result.Payload.IsEmpty);
        Assert.All(
            results.Where(result => result.Status == KbrStatus.Ok),
            result => Assert.Equal(payload.Length, result.Payload.Length));
    }

    [Fact]
    public async Task Server_is_disposed_although_an_application_does_not_read()
    {
        await using LocalSocketServer server = Serve(_folder.NewPath());
        using RawApplication asleep = await RawApplication.AttachAsync(server.Path);
        FakeHost.FakeService service = await SubscribeAsync(asleep, 1);
        byte[] payload = new byte[1_000_000];
        for (int i = 0; i < 8; i++)
        {
            service.Application.Deliver(new KbrDelivery(Key.Max, Key.Zero, default, payload));
        }

        await server.DisposeAsync();
        Assert.True(service.IsDisposed);
        Assert.Equal(0, server.SessionCount);
    }

    [Fact]
    public async Task Server_that_is_disposed_closes_sessions_and_removes_its_file()
    {
        using RawApplication application = await RawApplication.AttachAsync(_server.Path);
        FakeHost.FakeService service = await SubscribeAsync(application, 1);
        await _server.DisposeAsync();
        Assert.Null(await application.ReceiveAsync());
        Assert.True(service.IsDisposed);
        Assert.False(File.Exists(_server.Path));
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Applications_may_go_while_the_server_is_disposed()
    {
        for (int round = 0; round < 30; round++)
        {
            await using LocalSocketServer server = Serve(_folder.NewPath());
            RawApplication[] applications = await Task.WhenAll(
                Enumerable.Range(0, 8).Select(_ => RawApplication.AttachAsync(server.Path)));
            Task gone = Task.Run(() => Array.ForEach(applications, application => application.Dispose()));
            await server.DisposeAsync();
            await gone;
            Assert.Equal(0, server.SessionCount);
        }
    }

    private LocalSocketServer Serve(
        string path, Func<LocalSocketServerOptions, LocalSocketServerOptions>? configure = null)
    {
        var options = new LocalSocketServerOptions { Path = path };
        return LocalSocketServer.Start(_host, configure?.Invoke(options) ?? options);
    }

    private async Task<FakeHost.FakeService> SubscribeAsync(RawApplication application, int subscription)
    {
        application.Send(
            new SubscribeFrame(1, subscription, $"service {subscription}", ServiceRole.Member, true));
        await application.ExpectAsync<SubscribedFrame>();
        return _host.Services[^1];
    }

    private static void SendRequests(RawApplication application, params long[] numbers)
    {
        foreach (long number in numbers)
        {
            application.Send(new RequestFrame(1, number, Key.Zero, false, 1000, new byte[] { 1 }));
        }
    }
}
