using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Tests.Overlay.Upkeep;

public class IsolationTests
{
    private const string Service = "test";
    private readonly TestNetwork _network = new();
    private readonly SeededRandom _random = new(7);

    [Fact]
    public void Node_with_nobody_to_join_founds()
    {
        TestNode node = _network.Add(_random.NextKey());
        _network.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(RingStanding.Founded, node.Overlay.Ring);
        Assert.Empty(node.Overlay.Troubles);
    }

    [Fact]
    public void Node_whose_bootstrap_does_not_answer_is_alone_and_says_why()
    {
        TestNode node = Joining("10.9.9.9:1");
        _network.Run(TimeSpan.FromSeconds(3));
        Assert.Equal(RingStanding.Alone("no answer at 10.9.9.9:1"), node.Overlay.Ring);
        Assert.Contains("--found", Assert.Single(node.Overlay.Troubles).Text, StringComparison.Ordinal);
        NeighbourSet set = node.Overlay.Neighbours(ServiceId.FromName(Service));
        Assert.Equal((true, true), (set.IsAlone, set.IsMember));
        Assert.Contains(node.Events, e => e.Kind == OverlayEventKind.Alone);
        Assert.DoesNotContain(node.Events, e => e.Kind == OverlayEventKind.Joined);
    }

    [Fact]
    public void Node_whose_bootstrap_is_of_another_network_is_alone_and_names_both()
    {
        TestNode other = _network.Add(_random.NextKey(), o => o with { Network = "wrong" });
        TestNode node = Joining(other.Address);
        _network.Run(TimeSpan.FromSeconds(3));
        Assert.Equal(RingState.Alone, node.Overlay.Ring.State);
        Assert.Equal(
            $"refused (it belongs to network 'wrong', this node to 'igor') at {other.Address}",
            node.Overlay.Ring.Reason);
        Assert.Equal(RingState.Founded, other.Overlay.Ring.State);
    }

    [Fact]
    public void Node_whose_bootstrap_is_itself_is_alone()
    {
        TestNode node = Joining("10.0.0.1:1");
        _network.Run(TimeSpan.FromSeconds(3));
        Assert.Equal(
            RingStanding.Alone("only this node itself answers at 10.0.0.1:1"), node.Overlay.Ring);
    }

    [Fact]
    public void Node_that_was_told_to_found_does_so_although_nobody_answers()
    {
        TestNode node = _network.Add(
            _random.NextKey(), o => o with { Bootstrap = ["10.9.9.9:1"], Found = true });
        _network.Run(TimeSpan.FromSeconds(3));
        Assert.Equal(RingStanding.Founded, node.Overlay.Ring);
    }

    [Fact]
    public void Client_that_reaches_no_member_says_why()
    {
        TestNode client = _network.Add(
            _random.NextKey(), o => o with { Bootstrap = ["10.9.9.9:1"], JoinsRing = false });
        _network.Run(TimeSpan.FromSeconds(3));
        Assert.Equal(RingStanding.Alone("no answer at 10.9.9.9:1"), client.Overlay.Ring);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(90)]
    public void Alone_node_joins_within_two_seconds_of_its_bootstrap_coming_up(int seconds)
    {
        TestNode node = Joining("10.0.0.2:1");
        _network.Run(TimeSpan.FromSeconds(seconds));
        Assert.Equal(RingState.Alone, node.Overlay.Ring.State);
        TestNode first = _network.Add(_random.NextKey());
        first.Join(Service);
        _network.Until(() => node.Overlay.Ring.State == RingState.Joined, TimeSpan.FromSeconds(2));
        _network.Until(() => Knows(node, first) && Knows(first, node), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void Service_stays_alone_until_its_members_are_met()
    {
        TestNode node = Joining("10.0.0.2:1");
        _network.Run(TimeSpan.FromSeconds(5));
        TestNode first = _network.Add(_random.NextKey());
        TestNode member = _network.Add(_random.NextKey(), through: first);
        member.Join(Service);
        _network.Until(() => node.Overlay.Ring.State == RingState.Joined);
        _network.Until(() => Knows(node, member), TimeSpan.FromSeconds(5));
        Assert.DoesNotContain(
            node.Sets,
            s => s.Service == ServiceId.FromName(Service)
                && s.Set is { IsMember: true, IsAlone: false, Count: 0 });
    }

    [Fact]
    public void Last_member_after_the_others_left_in_order_goes_on()
    {
        TestNode first = _network.Add(_random.NextKey());
        TestNode second = _network.Add(_random.NextKey(), through: first);
        _network.Until(() => second.Overlay.Ring.State == RingState.Joined);
        first.Do(o => o.Leave(_network.Now));
        _network.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(RingStanding.Founded, second.Overlay.Ring);
        Assert.Empty(second.Overlay.KnownMembers);
    }

    [Fact]
    public void Last_member_after_the_others_failed_is_alone_and_remembers_them()
    {
        TestNode first = _network.Add(_random.NextKey());
        TestNode second = _network.Add(_random.NextKey(), through: first);
        _network.Until(() => second.Overlay.Ring.State == RingState.Joined);
        _network.Run(TimeSpan.FromSeconds(1));
        second.Kill();
        _network.Until(() => first.Overlay.Ring.State == RingState.Alone, TimeSpan.FromSeconds(2));
        _network.Run(TimeSpan.FromHours(2));
        Assert.Equal(RingState.Alone, first.Overlay.Ring.State);
        Assert.Equal([second.Id], first.Overlay.KnownMembers.Select(m => m.Id));
    }

    [Fact]
    public void Last_member_is_alone_after_one_was_lost_whose_addresses_it_may_not_use()
    {
        var node = new LoneNode(new Key(0, 0, 0, 100));
        node.Run(TimeSpan.FromSeconds(1));
        LinkId link = node.Connect(new Key(0, 0, 0, 200), dial: null, "192.168.0.1:1");
        Assert.Equal(RingState.Joined, node.Overlay.Ring.State);
        node.Disconnect(link);
        node.Run(TimeSpan.FromMinutes(1));
        Assert.Equal(
            RingStanding.Alone("members are lost that gave no address where this node may connect to"),
            node.Overlay.Ring);
        Assert.Empty(node.Overlay.KnownMembers);
        Assert.Empty(node.Dials);

        node.Connect(new Key(0, 0, 0, 200), dial: null, "192.168.0.1:1");
        Assert.Equal(RingState.Joining, node.Overlay.Ring.State); // its place is not confirmed yet
    }

    [Theory]
    [InlineData(1, RingState.Alone)]
    [InlineData(90, RingState.Founded)]
    public void Stranger_that_comes_and_leaves_at_once_makes_no_founder(int seconds, RingState expected)
    {
        TestNode node = Joining("10.9.9.9:1");
        _network.Run(TimeSpan.FromSeconds(3));
        TestNode stranger = _network.Add(_random.NextKey(), through: node);
        _network.Until(() => node.Overlay.Ring.State == RingState.Joined);
        _network.Run(TimeSpan.FromSeconds(seconds));
        stranger.Do(o => o.Leave(_network.Now));
        _network.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(expected, node.Overlay.Ring.State);
    }

    [Fact]
    public void Client_that_is_gone_is_nobody_to_wait_for()
    {
        TestNode first = _network.Add(_random.NextKey());
        TestNode client = _network.Add(_random.NextKey(), o => o with { JoinsRing = false }, first);
        _network.Until(() => client.Overlay.Ring.State == RingState.Joined);
        Assert.Empty(first.Overlay.KnownMembers);
        client.Kill();
        _network.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(RingStanding.Founded, first.Overlay.Ring);
    }

    [Fact]
    public void Nodes_that_know_each_other_form_a_ring_again_after_all_failed()
    {
        KnownMember[] members =
            [.. Enumerable.Range(1, 3).Select(i => new KnownMember(_random.NextKey(), [$"10.0.0.{i}:1"]))];
        TestNode first = _network.Add(members[0].Id, o => o with { KnownMembers = members });
        _network.Run(TimeSpan.FromSeconds(60));
        Assert.Equal(RingState.Alone, first.Overlay.Ring.State);
        TestNode second = _network.Add(members[1].Id, o => o with { KnownMembers = members });
        _network.Until(
            () => first.Overlay.Ring == RingStanding.Joined && second.Overlay.Ring == RingStanding.Joined,
            TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void Two_that_came_back_before_the_one_that_left_last_find_it_within_seconds()
    {
        KnownMember[] members =
            [.. Enumerable.Range(1, 3).Select(i => new KnownMember(_random.NextKey(), [$"10.0.0.{i}:1"]))];
        TestNode first = _network.Add(members[0].Id, o => o with { KnownMembers = members[1..] });
        TestNode second = _network.Add(members[1].Id, o => o with { KnownMembers = members[2..] });
        _network.Run(TimeSpan.FromMinutes(2));
        Assert.Equal(RingStanding.Joined, first.Overlay.Ring);
        TestNode last = _network.Add(members[2].Id);
        _network.Until(
            () => last.Overlay.Neighbours(ServiceId.Base).Count == 2
                && second.Overlay.Neighbours(ServiceId.Base).Count == 2,
            TimeSpan.FromSeconds(4));
    }

    [Fact]
    public void Member_that_is_away_while_the_ring_goes_on_is_given_up_after_an_hour()
    {
        TestNode first = _network.Add(_random.NextKey());
        TestNode second = _network.Add(_random.NextKey(), through: first);
        TestNode third = _network.Add(_random.NextKey(), through: first);
        _network.Until(() => first.Overlay.KnownMembers.Count == 2);
        third.Kill();
        _network.Run(TimeSpan.FromMinutes(30));
        Assert.Equal(2, first.Overlay.KnownMembers.Count);
        _network.Run(TimeSpan.FromMinutes(31));
        Assert.Equal([second.Id], first.Overlay.KnownMembers.Select(m => m.Id));
    }

    private TestNode Joining(string bootstrap)
    {
        TestNode node = _network.Add(_random.NextKey(), o => o with { Bootstrap = [bootstrap] });
        node.Join(Service);
        return node;
    }

    private static bool Knows(TestNode node, TestNode other) =>
        node.Overlay.Neighbours(ServiceId.FromName(Service)).Others.Contains(other.Id);
}
