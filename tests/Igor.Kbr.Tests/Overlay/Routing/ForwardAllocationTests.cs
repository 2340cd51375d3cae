using System.Buffers;
using System.Collections.Immutable;
using Igor.Kbr.Overlay;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Tests.Wire.Messages;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Routing;

public class ForwardAllocationTests
{
    private const int PayloadBytes = 1024;
    private const int RequestsCount = 1000;
    private const string Service = "test";
    private static readonly TimeSpan Apart = TimeSpan.FromMicroseconds(50);

    [Fact]
    public void Message_that_passes_and_its_reply_allocate_nothing()
    {
        var output = new LastFrame();
        TimeSpan now = TimeSpan.FromSeconds(1);
        var node = new OverlayNode(Id(100), new OverlayOptions(), output, 1);
        node.Start(now);
        node.Subscribe(now, new SubscribeOptions { Service = Service, Role = ServiceRole.Member });
        now += TimeSpan.FromSeconds(1);
        node.HandleDeadline(now);
        LinkId from = Connect(node, now, 1, Id(50));
        for (ulong i = 0; i < 40; i++)
        {
            Connect(node, now, (long)i + 2, Id(500 + (i * 10)));
        }

        var header = new RouteHeader(
            ServiceId.FromName(Service), Id(1000), Id(3000), 7, 64, RouteFlags.None, 10_000, 9);
        byte[] route = RoutedFrames.Request(header, new byte[PayloadBytes]);
        byte[] reply = new byte[RoutedFrame.ReplyHeaderBytes + RoutedFrame.PayloadPrefixBytes + PayloadBytes];
        PassOn();
        long before = GC.GetAllocatedBytesForCurrentThread();
        PassOn();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void PassOn()
        {
            for (int i = 0; i < RequestsCount; i++)
            {
                now += Apart;
                node.HandleFrame(now, from, route);
                Assert.True(RoutedFrame.TryReadRoute(output.Frame, out RouteHeader passed, out _));
                var answer = new ReplyHeader(passed.HopId, ReplyStatus.Ok, Key.Zero);
                RoutedFrame.WriteReply(reply, answer, PayloadBytes);
                node.HandleFrame(now, output.Link, reply);
                Assert.True(RoutedFrame.TryReadReply(output.Frame, out ReplyHeader back, out _));
                Assert.True(back.HopId == header.HopId && output.Link == from);
            }
        }
    }

    private static LinkId Connect(OverlayNode node, TimeSpan now, long number, Key peer)
    {
        var link = new LinkId(number);
        node.HandleLinkOpened(now, link, peer, null, "10.9.9.9:9");
        node.HandleFrame(now, link, MessageBytes.Of(new HelloMessage
        {
            Purpose = LinkPurpose.Neighbour,
            Network = "igor",
            Instance = 1,
            Addresses = [],
            ServicesVersion = 1,
            Services =
            [
                ServiceId.Base,
                ServiceId.FromName(Service),
            ],
        }));
        node.HandleFrame(now, link, MessageBytes.Of(new AcceptMessage(0, 1_000_000)));
        return link;
    }

    private static Key Id(ulong value) => new(0, 0, 0, value);

    /// <summary>Keeps the last frame and nothing else.</summary>
    private sealed class LastFrame : IOverlayOutput
    {
        private readonly byte[] _frame = new byte[4096];
        private int _bytes;

        public LinkId Link { get; private set; }

        public ReadOnlyMemory<byte> Frame => _frame.AsMemory(0, _bytes);

        public ArrayBufferWriter<byte> Scratch { get; } = new();

        public bool WantsEvents => false;

        public bool Send(LinkId link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
        {
            Link = link;
            header.CopyTo(_frame);
            payload.CopyTo(_frame.AsSpan(header.Length));
            _bytes = header.Length + payload.Length;
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

        public void Raise(OverlayEvent overlayEvent)
        {
        }
    }
}
