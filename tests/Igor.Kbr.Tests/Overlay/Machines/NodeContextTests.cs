using System.Buffers;
using System.Collections.Immutable;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire.Messages;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Machines;

public class NodeContextTests
{
    [Fact]
    public void Sending_a_message_allocates_nothing()
    {
        var output = new Sink();
        var context = new NodeContext(Key.Zero, new OverlayOptions(), output, 1);
        var link = new Link(new LinkId(1), Key.Max, isOutbound: true, LinkPurpose.Neighbour, "10.0.0.1:1");
        Send(context, link); // what is made once is made now
        long before = GC.GetAllocatedBytesForCurrentThread();
        Send(context, link);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(400, output.Frames);
    }

    [Fact]
    public void Text_of_an_event_is_made_only_where_events_are_wanted()
    {
        int made = 0;
        var deaf = new Sink();
        new NodeContext(Key.Zero, new OverlayOptions(), deaf, 1).Raise(
            OverlayEventKind.Refused, Key.Max, $"text {++made}");
        Assert.Equal(0, made);
        Assert.Null(deaf.Event);

        var listener = new Sink { WantsEvents = true };
        var context = new NodeContext(Key.Zero, new OverlayOptions(), listener, 1);
        context.Raise(OverlayEventKind.Refused, Key.Max, $"text {++made}, {1.5:0.00} s");
        Assert.Equal(new OverlayEvent(OverlayEventKind.Refused, Key.Max, "text 1, 1.50 s"), listener.Event);
    }

    private static void Send(NodeContext context, Link link)
    {
        for (int i = 0; i < 100; i++)
        {
            context.Send(link, new PingMessage((ulong)i, 1));
            context.Send(link, new RequestStateMessage((ulong)i, true));
        }
    }

    private sealed class Sink : IOverlayOutput
    {
        public int Frames { get; private set; }

        public OverlayEvent? Event { get; private set; }

        public ArrayBufferWriter<byte> Scratch { get; } = new();

        public bool WantsEvents { get; init; }

        public bool Send(LinkId link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
        {
            Frames++;
            return true;
        }

        public void Dial(DialId dial, Key? expected, ImmutableArray<string> addresses)
        {
        }

        public void Close(LinkId link)
        {
        }

        public void SetStanding(LinkId link, PeerStanding standing)
        {
        }

        public void Deliver(ServiceId service, in KbrDelivery delivery)
        {
        }

        public void Forward(ServiceId service, long parked, in KbrForward message)
        {
        }

        public void CompleteRequest(RequestId request, in KbrReply reply)
        {
        }

        public void UpdateNeighbours(ServiceId service, NeighbourChange change)
        {
        }

        public void Raise(OverlayEvent overlayEvent) => Event = overlayEvent;
    }
}
