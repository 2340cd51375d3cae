using Igor.Kbr;
using Igor.Local.Protocol;
using Igor.Testing;

namespace Igor.Local.Tests;

/// <summary>Deliveries to an application at the local socket, until they are answered or cannot be.</summary>
public sealed class OpenUpcallsTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeHost _host = new();
    private LocalSocketServer _server = null!;

    public Task InitializeAsync()
    {
        _server = LocalSocketServer.Start(
            _host,
            new LocalSocketServerOptions
            {
                Path = _folder.NewPath(),
                DeliveriesMax = 2,
                OutgoingBytesMax = 2_000_000,
            });
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Delivery_can_be_answered_once()
    {
        using RawApplication application = await RawApplication.AttachAsync(_server.Path);
        FakeHost.FakeService service = await SubscribeAsync(application);
        service.Application.Deliver(
            new KbrDelivery(Key.Max, Key.Zero, new DeliveryToken(99), new byte[] { 1 }));
        DeliverFrame delivery = await application.ExpectAsync<DeliverFrame>();
        application.Send(new ReplyFrame(delivery.Token + 1, new byte[] { 2 })); // never given out
        application.Send(new ReplyFrame(delivery.Token, new byte[] { 3 }));
        application.Send(new ReplyFrame(delivery.Token, new byte[] { 4 }));
        application.Send(new StatusFrame(1));
        await application.ExpectAsync<StatusResultFrame>();
        (DeliveryToken token, byte[] payload) = Assert.Single(service.Replies);
        Assert.Equal((new DeliveryToken(99), 3), (token, payload[0]));
    }

    [Fact]
    public async Task Delivery_can_be_answered_with_an_error()
    {
        using RawApplication application = await RawApplication.AttachAsync(_server.Path);
        FakeHost.FakeService service = await SubscribeAsync(application);
        service.Application.Deliver(
            new KbrDelivery(Key.Max, Key.Zero, new DeliveryToken(99), new byte[] { 1 })
            {
                RequestId = new KbrRequestId(Key.Zero, ulong.MaxValue),
            });
        DeliverFrame delivery = await application.ExpectAsync<DeliverFrame>();
        Assert.Equal(ulong.MaxValue, delivery.RequestNumber);
        application.Send(new FailFrame(delivery.Token, IsTemporary: false, "no"));
        application.Send(new FailFrame(delivery.Token, IsTemporary: true, "answered before"));
        application.Send(new StatusFrame(1));
        await application.ExpectAsync<StatusResultFrame>();
        Assert.Equal((new DeliveryToken(99), "no", false), Assert.Single(service.Failures));
    }

    [Fact]
    public async Task Deliveries_beyond_the_bound_are_asked_again()
    {
        using RawApplication application = await RawApplication.AttachAsync(_server.Path);
        FakeHost.FakeService service = await SubscribeAsync(application);
        for (int i = 1; i <= 3; i++)
        {
            service.Application.Deliver(
                new KbrDelivery(Key.Max, Key.Zero, new DeliveryToken(i), new byte[] { 1 }));
        }

        (DeliveryToken token, string error, bool isTemporary) = Assert.Single(service.Failures);
        Assert.Equal((new DeliveryToken(1), true), (token, isTemporary));
        Assert.Contains("unanswered", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Delivery_that_the_application_has_no_room_for_is_asked_again()
    {
        using RawApplication asleep = await RawApplication.AttachAsync(_server.Path);
        FakeHost.FakeService service = await SubscribeAsync(asleep);
        byte[] payload = new byte[100_000];
        long token = 0;
        await Eventually.HoldsAsync(
            () =>
            {
                service.Application.Deliver(
                    new KbrDelivery(Key.Max, Key.Zero, new DeliveryToken(++token), payload));
                return service.Failures.Any(failure => failure.Token.Value == token);
            },
            "one has no room"); // those before it went out and made room among the unanswered
        Assert.True(service.Failures[^1].IsTemporary);
    }

    private async Task<FakeHost.FakeService> SubscribeAsync(RawApplication application)
    {
        application.Send(new SubscribeFrame(1, 1, "service", ServiceRole.Member, true));
        await application.ExpectAsync<SubscribedFrame>();
        return _host.Services[^1];
    }
}
