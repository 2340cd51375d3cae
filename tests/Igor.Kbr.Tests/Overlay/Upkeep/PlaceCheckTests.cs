using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Tests.Wire.Messages;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Upkeep;

public class PlaceCheckTests
{
    private const string Service = "test";
    private readonly TestNetwork _network = new();
    private readonly SeededRandom _random = new(4);

    [Fact]
    public void Node_that_reaches_none_of_its_neighbours_is_no_root_and_says_whom_it_waits_for()
    {
        TestNode first = Ring(40);
        TestNode[] others = [.. _network.Nodes.Skip(1)];
        TestNode late = _network.Add(first.Id + Key.PowerOfTwo(254), through: first);
        Array.ForEach(others, other => _network.Cut.Add((late, other)));
        late.Join(Service);
        _network.Run(TimeSpan.FromMinutes(4));

        Assert.False(late.Overlay.IsJoined);
        Assert.False(late.Overlay.Neighbours(ServiceId.FromName(Service)).IsMember);
        TestNode truth = _network.Nodes.Where(n => n != late).MinBy(n => late.Id.DistanceTo(n.Id))!;
        RequestId through = first.Request(Service, late.Id, [1]);
        RequestId beside = truth.Request(Service, late.Id, [1]);
        _network.Run(TimeSpan.FromSeconds(15));
        Assert.Equal(truth.Id, first.Replies[through].Responder);
        Assert.Equal(truth.Id, truth.Replies[beside].Responder);
        Trouble trouble = Assert.Single(late.Overlay.Troubles);
        Assert.Equal(TroubleKinds.Joining, trouble.Kind);
        Assert.Contains("10.0.0.", trouble.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5, "10.9.9.9:1")]
    [InlineData(20, "10.9.9.9:1")]
    [InlineData(20, "10.0.0.3:1")] // another node's
    [InlineData(60, "10.9.9.9:1")]
    public void Member_whose_address_is_wrong_keeps_nobody_out(int nodes, string address)
    {
        TestNode first = Ring(nodes);
        TestNode wrong = _network.Add(
            new SeededRandom(77).NextKey(), options => options with { Addresses = [address] }, first);
        _network.Run(TimeSpan.FromSeconds(60));
        Assert.True(wrong.Overlay.IsJoined);
        TestNode[] newcomers =
        [
            _network.Add(wrong.Id + Key.PowerOfTwo(200), through: first),
            _network.Add(wrong.Id - Key.PowerOfTwo(200), through: first),
            .. Enumerable.Range(0, 8).Select(_ => _network.Add(_random.NextKey(), through: first)),
        ];
        _network.Run(TimeSpan.FromSeconds(60));
        Assert.All(newcomers, newcomer => Assert.True(newcomer.Overlay.IsJoined));
        NeighbourSet beside = newcomers[0].Overlay.Neighbours(ServiceId.Base);
        Assert.Equal(wrong.Id, beside.CounterClockwise[0]);
    }

    [Fact]
    public void Node_takes_its_place_once_its_neighbours_can_be_reached()
    {
        TestNode first = Ring(40);
        TestNode[] others = [.. _network.Nodes.Skip(1)];
        TestNode late = _network.Add(first.Id + Key.PowerOfTwo(254), through: first);
        Array.ForEach(others, other => _network.Cut.Add((late, other)));
        _network.Run(TimeSpan.FromMinutes(1));
        Assert.False(late.Overlay.IsJoined);
        _network.Cut.Clear();

        _network.Until(() => late.Overlay.IsJoined, TimeSpan.FromSeconds(40));
        Assert.Empty(late.Overlay.Troubles);
    }

    [Fact]
    public void Neighbours_that_die_while_a_newcomer_asks_them_do_not_keep_it_waiting()
    {
        TestNode first = Ring(40);
        Key place = first.Id + Key.PowerOfTwo(254);
        TestNode[] nearest = [.. _network.Nodes.OrderBy(n => place.DistanceTo(n.Id)).Take(4)];
        TestNode late = _network.Add(place, through: first);
        _network.Until(
            () => nearest.All(n => late.Overlay.Peers.Any(p => p.Id == n.Id)), TimeSpan.FromSeconds(10));
        Assert.False(late.Overlay.IsJoined);
        Array.ForEach(nearest, n => n.Kill(silently: true));

        _network.Until(() => late.Overlay.IsJoined, TimeSpan.FromSeconds(25));
    }

    [Fact]
    public void Neighbour_that_died_holds_a_newcomer_up_until_the_others_have_noticed()
    {
        TestNode first = Ring(40);
        Key place = first.Id + Key.PowerOfTwo(254);
        _network.Nodes.MinBy(n => place.DistanceTo(n.Id))!.Kill(silently: true);
        TestNode late = _network.Add(place, through: first);

        _network.Until(() => late.Overlay.IsJoined, TimeSpan.FromSeconds(30));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Node_that_went_on_by_itself_is_no_root_in_a_ring_it_meets_before_its_place_is_sure(
        bool founds, bool isFound)
    {
        TestNode first = Ring(40);
        _network.ByAddress.Remove(first.Address);
        TestNode late = _network.Add(first.Id + Key.PowerOfTwo(254), o => o with
        {
            Bootstrap = isFound ? [] : [first.Address],
            Found = founds,
        });
        late.Join(Service);
        _network.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(founds ? RingState.Founded : RingState.Alone, late.Overlay.Ring.State);
        int before = late.Sets.Count;
        TestNode[] others = [.. _network.Nodes.Where(n => n != late)];

        _network.ByAddress[first.Address] = first;
        if (isFound)
        {
            first.Do(o => o.Connect(_network.Now, new Contact(late.Id, [late.Address]), LinkPurpose.Entry));
        }

        _network.Until(
            () => late.Sets.Skip(before).Any(s => s.Service != ServiceId.Base && IsRoot(s.Set)),
            TimeSpan.FromSeconds(30));
        Assert.All(late.Sets.Skip(before).Where(s => IsRoot(s.Set)), s => Assert.Equal(
            (others.MinBy(n => n.Id - late.Id)!.Id, others.MinBy(n => late.Id - n.Id)!.Id),
            (s.Set.Clockwise[0], s.Set.CounterClockwise[0])));

        static bool IsRoot(NeighbourSet set) => set is { IsMember: true, IsAlone: false };
    }

    [Theory]
    [InlineData("is silent")]
    [InlineData("refuses")]
    [InlineData("makes up others")]
    public void Neighbour_that_keeps_a_newcomer_out_is_passed_over(string conduct)
    {
        TestNode first = Ring(40);
        Key place = first.Id + Key.PowerOfTwo(254);
        TestNode hostile = _network.Nodes.MinBy(n => place.DistanceTo(n.Id))!;
        Key madeUp = place.DistanceTo(hostile.Id).Half();
        madeUp = hostile.Id - place < place - hostile.Id ? place + madeUp : place - madeUp;
        bool isSaying = false;
        _network.Loses = (from, to, body) =>
        {
            bool isPlace = body[1] == (int)MessageType.PlaceReply;
            if (isSaying || from != hostile || !(isPlace || body[1] == (int)MessageType.Reply))
            {
                return false;
            }

            isSaying = true;
            if (conduct == "refuses")
            {
                hostile.SayTo(to, MessageBytes.Of(new PlaceReplyMessage(
                    [], [ServiceId.Base, ServiceId.FromName(Service)], ServiceId.Base, [])));
                hostile.SayTo(to, Refusal(body, hostile.Id));
            }
            else if (conduct == "makes up others" && isPlace)
            {
                foreach (ServiceId service in new[] { ServiceId.Base, ServiceId.FromName(Service) })
                {
                    hostile.SayTo(to, MessageBytes.Of(new PlaceReplyMessage(
                        [], [], service, [new Contact(madeUp, ["10.9.9.9:1"])])));
                }
            }

            isSaying = false;
            return conduct != "makes up others" || isPlace;
        };
        TestNode late = _network.Add(place, through: first);
        late.Join(Service);

        _network.Until(
            () => late.Overlay.Neighbours(ServiceId.FromName(Service)).IsMember, TimeSpan.FromMinutes(2));
        Assert.Equal(16, late.Overlay.Neighbours(ServiceId.Base).Count);
    }

    /// <summary>The reply as it would be if the request failed; other messages as they are.</summary>
    private static byte[] Refusal(byte[] body, Key by)
    {
        if (!RoutedFrame.TryReadReply(body, out ReplyHeader header, out _))
        {
            return body;
        }

        byte[] refusal = new byte[RoutedFrame.ReplyHeaderBytes + RoutedFrame.PayloadPrefixBytes];
        RoutedFrame.WriteReply(refusal, new ReplyHeader(header.HopId, ReplyStatus.Failed, by), 0);
        return refusal;
    }

    private TestNode Ring(int count)
    {
        TestNode first = _network.Add(_random.NextKey());
        for (int i = 1; i < count; i++)
        {
            _network.Add(_random.NextKey(), through: first);
        }

        _network.Nodes.ForEach(n => n.Join(Service));
        _network.Run(TimeSpan.FromMinutes(1));
        return first;
    }
}
