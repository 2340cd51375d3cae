using Igor.Kbr.Overlay.Machines;

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
        Cut(_network.Nodes.Skip(1));
        TestNode late = _network.Add(first.Id + Key.PowerOfTwo(254), through: first);
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

    [Fact]
    public void Node_takes_its_place_once_its_neighbours_can_be_reached()
    {
        TestNode first = Ring(40);
        TestNode[] others = [.. _network.Nodes.Skip(1)];
        Cut(others);
        TestNode late = _network.Add(first.Id + Key.PowerOfTwo(254), through: first);
        _network.Run(TimeSpan.FromMinutes(1));
        Assert.False(late.Overlay.IsJoined);
        Array.ForEach(others, n => _network.ByAddress[n.Address] = n);

        _network.Until(() => late.Overlay.IsJoined, TimeSpan.FromSeconds(40));
        Assert.Empty(late.Overlay.Troubles);
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

    /// <summary>Nobody connects to these nodes any more; they connect to others.</summary>
    private void Cut(IEnumerable<TestNode> nodes)
    {
        foreach (TestNode node in nodes)
        {
            _network.ByAddress.Remove(node.Address);
        }
    }
}
