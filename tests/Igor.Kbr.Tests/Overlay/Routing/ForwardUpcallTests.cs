using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Routing;

public class ForwardUpcallTests
{
    private const string Service = "test";
    private static readonly ServiceId TestService = ServiceId.FromName(Service);
    private static readonly Key Destination = Id(310);
    private static readonly RouteHeader Passing =
        new(TestService, Destination, Id(900), 5, 64, RouteFlags.None, 10_000);

    private readonly LoneNode _node = new(Id(100));
    private readonly LinkId _origin;
    private readonly LinkId _near;
    private readonly LinkId _nearest;

    public ForwardUpcallTests()
    {
        _node.Join(Service, wantsForward: true);
        _origin = _node.Connect(Id(900));
        _near = _node.Connect(Id(290), Service);
        _nearest = _node.Connect(Id(300), Service);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_message_goes_to_no_node_that_left_the_service_while_it_waited(bool isOwn)
    {
        long parked = isOwn ? ParkOwn() : ParkPassing();
        Assert.Equal(Id(300), _node.Forwards[0].Message.NextHop);
        _node.LeaveServices(_nearest);
        Resume(parked, ForwardDecision.Continue);
        Assert.Empty(Routes(_nearest));
        Assert.Single(Routes(_near));
    }

    [Fact]
    public void Messages_that_wait_are_bounded_in_bytes_and_go_on_undecided_beyond()
    {
        for (int i = 0; i < 20; i++)
        {
            _node.ReceiveRoute(_origin, Passing, new byte[1024 * 1024]);
        }

        Assert.Equal(8, _node.Forwards.Count);
        Assert.Equal(12, Routes(_nearest).Count);
        _node.Forwards.ToList().ForEach(parked => Resume(parked.Parked, ForwardDecision.Stop));
        ParkPassing();
        Assert.Equal(9, _node.Forwards.Count);
    }

    [Fact]
    public void A_message_goes_nowhere_after_this_node_left_the_service()
    {
        long parked = ParkPassing();
        _node.Overlay.Unsubscribe(_node.Now, TestService, ServiceRole.Member);
        Resume(parked, ForwardDecision.Continue);
        Assert.Empty(Routes(_nearest));
        Assert.Equal([(5, ReplyStatus.Unreachable)], _node.RepliesOn(_origin));
    }

    [Fact]
    public void A_message_is_delivered_here_when_this_node_became_its_root()
    {
        long parked = ParkPassing();
        _node.Disconnect(_nearest);
        _node.Disconnect(_near);
        Resume(parked, ForwardDecision.Replace([8]));
        Assert.Equal([8], Assert.Single(_node.Deliveries).Payload.ToArray());
    }

    [Fact]
    public void A_request_goes_nowhere_when_the_hop_before_is_gone()
    {
        long parked = ParkPassing();
        _node.Disconnect(_origin);
        Resume(parked, ForwardDecision.Continue);
        Assert.Empty(Routes(_nearest));
    }

    [Fact]
    public void A_replacement_changes_the_payload_and_no_field_behind_it()
    {
        byte[] frame = [.. LoneNode.RouteFrame(Passing, 1, 2, 3), 7];
        frame[0]++;
        _node.Overlay.HandleFrame(_node.Now, _origin, frame);
        Resume(Assert.Single(_node.Forwards).Parked, ForwardDecision.Replace([8]));
        byte[] passed = Assert.Single(Routes(_nearest));
        RoutedFrame.RewriteRoute(passed, Passing.HopId, Passing.HopsLeft, Passing.TimeoutMs);
        byte[] expected = [.. LoneNode.RouteFrame(Passing, 8), 7];
        expected[0]++;
        Assert.Equal(expected, passed);
    }

    [Fact]
    public void A_replacement_that_is_too_large_ends_the_message()
    {
        var tooLarge = ForwardDecision.Replace(new byte[new OverlayOptions().PayloadBytesMax + 1]);
        Resume(ParkPassing(), tooLarge);
        Assert.Equal([(5, ReplyStatus.Stopped)], _node.RepliesOn(_origin));
        Resume(ParkOwn(), tooLarge);
        Assert.Equal(KbrStatus.TooLarge, _node.Ended[new RequestId(1)]);
        Assert.Empty(Routes(_nearest));
    }

    [Fact]
    public void A_replacement_fits_together_with_the_fields_behind_it_or_ends_the_message()
    {
        byte[] frame = [.. LoneNode.RouteFrame(Passing), .. new byte[WireLimits.FrameOverheadBytes]];
        _node.Overlay.HandleFrame(_node.Now, _origin, frame);
        byte[] largest = new byte[new OverlayOptions().PayloadBytesMax];
        Resume(Assert.Single(_node.Forwards).Parked, ForwardDecision.Replace(largest));
        Assert.Equal([(5, ReplyStatus.Stopped)], _node.RepliesOn(_origin));
    }

    [Fact]
    public void A_message_that_waited_has_so_much_less_time()
    {
        long parked = ParkPassing();
        _node.Run(TimeSpan.FromSeconds(1.5));
        Resume(parked, ForwardDecision.Continue);
        Assert.Equal(8_500u, RoutedFrames.HeaderOf(Assert.Single(Routes(_nearest))).TimeoutMs);
    }

    [Fact]
    public void A_request_that_nobody_decides_about_ends_by_its_own_deadline()
    {
        long parked = ParkOwn();
        _node.Run(TimeSpan.FromMilliseconds(550));
        Assert.Equal(KbrStatus.Timeout, _node.Ended[new RequestId(1)]);
        Resume(parked, ForwardDecision.Continue);
        Assert.Empty(Routes(_nearest));
    }

    [Fact]
    public void A_request_that_nobody_decided_about_ends_when_the_node_leaves()
    {
        ParkOwn();
        _node.Overlay.Leave(_node.Now);
        Assert.Equal(KbrStatus.Closed, _node.Ended[new RequestId(1)]);
    }

    private long ParkPassing()
    {
        _node.ReceiveRoute(_origin, Passing, 1);
        return _node.Forwards[^1].Parked;
    }

    private long ParkOwn()
    {
        var options = new RequestOptions(TimeSpan.FromMilliseconds(500));
        byte[] payload = [1];
        _node.Overlay.Request(_node.Now, new RequestId(1), TestService, Destination, payload, options);
        return _node.Forwards[^1].Parked;
    }

    private void Resume(long parked, ForwardDecision decision) =>
        _node.Overlay.ResumeForward(_node.Now, parked, decision);

    private List<byte[]> Routes(LinkId link) => [.. _node.Frames(link, MessageType.Route)
        .Where(frame => RoutedFrame.TryReadRoute(frame, out RouteHeader header, out _)
            && header.Service == TestService)];

    private static Key Id(ulong value) => new(0, 0, 0, value);
}
