using Igor.Kbr;
using Igor.Local.Protocol;
using Igor.Testing;

namespace Igor.Local.Tests;

/// <summary>What the daemon answers when its node takes its time.</summary>
public sealed class LocalSocketCallTests : IAsyncLifetime
{
    private readonly TaskCompletionSource _ready = new();
    private readonly TemporaryFolder _folder = new();
    private readonly FakeHost _host = new();
    private LocalSocketServer _server = null!;

    public Task InitializeAsync()
    {
        _host.Ready = _ready.Task;
        _server = LocalSocketServer.Start(_host, new LocalSocketServerOptions { Path = _folder.NewPath() });
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        _ready.TrySetResult();
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Subscription_that_is_given_up_before_it_begins_is_answered()
    {
        using RawApplication application = await RawApplication.AttachAsync(_server.Path);
        application.Send(new SubscribeFrame(1, 7, "a", ServiceRole.Client, false));
        application.Send(new UnsubscribeFrame(2, 7));
        Assert.Equal(2, (await application.ExpectAsync<UnsubscribedFrame>()).Call);
        _ready.SetResult();
        RefusedFrame refused = await application.ExpectAsync<RefusedFrame>();
        Assert.Equal((1, RefusalCode.Subscription), (refused.Call, refused.Code));
        Assert.Empty(_host.Open);
    }

    [Fact]
    public async Task Calls_that_wait_for_the_node_are_bounded()
    {
        const int CallsMax = 64;
        using RawApplication application = await RawApplication.AttachAsync(_server.Path);
        for (int call = 1; call <= CallsMax; call++)
        {
            application.Send(call % 2 == 0
                ? new StatusFrame(call)
                : new SubscribeFrame(call, call, "a", ServiceRole.Client, false));
        }

        application.Send(new StatusFrame(101));
        application.Send(new SubscribeFrame(102, 102, "a", ServiceRole.Client, false));
        foreach (int call in new[] { 101, 102 })
        {
            RefusedFrame refused = await application.ExpectAsync<RefusedFrame>();
            Assert.Equal((call, RefusalCode.TooMany), (refused.Call, refused.Code));
        }

        _ready.SetResult();
        for (int call = 1; call <= CallsMax; call++)
        {
            Assert.IsNotType<RefusedFrame>(await application.ReceiveAsync());
        }
    }
}
