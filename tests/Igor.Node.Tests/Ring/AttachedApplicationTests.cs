using System.Diagnostics.Metrics;
using Igor.Kbr;
using Igor.Testing;

namespace Igor.Node.Tests;

/// <summary>Applications in the node's own process.</summary>
public sealed class AttachedApplicationTests
{
    [Fact]
    public async Task Second_member_of_a_service_is_refused_until_the_first_is_gone()
    {
        await using IgorNode node = await IgorNode.StartAsync(new IgorNodeOptions());
        Echo first = await Echo.OnAsync(node);
        var problem = await Assert.ThrowsAsync<KbrException>(() => Echo.OnAsync(node));
        Assert.Contains("echo", problem.Message, StringComparison.Ordinal);
        await first.Service.DisposeAsync();
        await Echo.OnAsync(node);
    }

    [Fact]
    public async Task Clients_beside_a_member_are_served_by_it()
    {
        await using IgorNode node = await IgorNode.StartAsync(new IgorNodeOptions());
        await Echo.OnAsync(node);
        Echo one = await Echo.OnAsync(node, ServiceRole.Client);
        Echo two = await Echo.OnAsync(node, ServiceRole.Client);
        Assert.Equal(KbrStatus.Ok, (await one.Ask(Key.Zero)).Status);
        await one.Service.DisposeAsync();
        Assert.Equal(KbrStatus.Ok, (await two.Ask(Key.Zero)).Status);
        Assert.Equal(KbrStatus.Closed, (await one.Ask(Key.Zero)).Status);
    }

    [Fact]
    public async Task Open_requests_end_as_closed_with_their_handle_and_with_the_node()
    {
        IgorNode node = await IgorNode.StartAsync(new IgorNodeOptions());
        Echo member = await Echo.OnAsync(node);
        member.Instead = _ => { };
        Echo one = await Echo.OnAsync(node, ServiceRole.Client);
        Echo two = await Echo.OnAsync(node, ServiceRole.Client);
        Task<KbrReply> ofHandle = one.Ask(Key.Zero, seconds: 600);
        Task<KbrReply> ofNode = two.Ask(Key.Zero, seconds: 600);
        await one.Service.DisposeAsync();
        Assert.Equal(KbrStatus.Closed, (await Eventually.CompletesAsync(ofHandle)).Status);
        Assert.False(ofNode.IsCompleted);
        await node.DisposeAsync();
        Assert.Equal(KbrStatus.Closed, (await Eventually.CompletesAsync(ofNode)).Status);
        Assert.Equal(KbrStatus.Closed, (await two.Ask(Key.Zero)).Status);
        await Assert.ThrowsAsync<KbrException>(() => Echo.OnAsync(node));
        await Assert.ThrowsAsync<KbrException>(async () => await node.GetStatusAsync());
        await node.DisposeAsync();
    }

    [Fact]
    public async Task Application_that_throws_is_logged_and_harms_nobody()
    {
        var log = new ListLogger();
        await using IgorNode node = await IgorNode.StartAsync(new IgorNodeOptions(), log);
        Echo broken = await Echo.OnAsync(node, service: "broken");
        broken.Instead = _ => throw new FormatException("my own fault");
        Assert.Equal(KbrStatus.Failed, (await broken.Ask(Key.Zero)).Status);
        Assert.True(log.Has("my own fault"));
        Echo fine = await Echo.OnAsync(node);
        Assert.Equal(KbrStatus.Ok, (await fine.Ask(Key.Zero)).Status);
    }

    [Fact]
    public async Task Callback_may_send_the_next_request()
    {
        await using IgorNode node = await IgorNode.StartAsync(new IgorNodeOptions());
        Echo echo = await Echo.OnAsync(node);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int rounds = 0;
        Next(KbrReply.Failed(KbrStatus.Ok));
        await Eventually.CompletesAsync(done.Task);

        void Next(KbrReply reply)
        {
            Assert.Equal(KbrStatus.Ok, reply.Status);
            if (rounds++ == 10_000)
            {
                done.SetResult();
                return;
            }

            echo.Service.Request(Key.Zero, new byte[10], new RequestOptions(TimeSpan.FromSeconds(20)), Next);
        }
    }

    [Fact]
    public async Task Name_that_is_not_valid_is_refused()
    {
        await using IgorNode node = await IgorNode.StartAsync(new IgorNodeOptions());
        await Assert.ThrowsAsync<KbrException>(() => Echo.OnAsync(node, service: new string('x', 65)));
    }

    [Fact]
    public async Task Figures_are_published_for_whoever_listens()
    {
        await using IgorNode node = await IgorNode.StartAsync(new IgorNodeOptions());
        Echo echo = await Echo.OnAsync(node);
        await echo.Ask(Key.Zero);
        var seen = new Dictionary<string, long>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, subject) =>
            {
                if (instrument.Meter.Name == "Igor.Node"
                    && instrument.Meter.Tags!.Any(tag => Equals(tag.Value, node.NodeId.ToString())))
                {
                    subject.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            seen[$"{instrument.Name} {(tags.Length > 0 ? tags[0].Value : null)}"] = value);
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => seen[instrument.Name] = value);
        listener.SetMeasurementEventCallback<double>(
            (instrument, value, _, _) => seen[instrument.Name] = (long)value);
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Equal(1, seen["igor.node.requests ok"]);
        Assert.Equal(0, seen["igor.node.requests timeout"]);
        Assert.Equal(0, seen["igor.node.connections"]);
        Assert.Contains("igor.node.queue.length", seen.Keys);
        Assert.Contains("igor.node.links", seen.Keys);
        Assert.Contains("igor.node.links.max", seen.Keys);
        Assert.Contains("igor.node.ring.size", seen.Keys);
        Assert.Contains("igor.node.upkeep", seen.Keys);
        Assert.Contains("igor.node.io receive", seen.Keys);
        Assert.Contains("igor.node.frames transmit", seen.Keys);
    }
}
