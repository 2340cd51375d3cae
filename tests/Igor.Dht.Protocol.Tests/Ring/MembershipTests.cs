using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Ring;

public class MembershipTests
{
    private static readonly TimeSpan s_retention = TimeSpan.FromMinutes(10);
    private static readonly Key[] s_ids =
        [.. Enumerable.Range(0, 6).Select(at => Key.HashOf($"member {at}"))];

    [Fact]
    public void Member_that_failed_is_expected_until_it_is_given_up()
    {
        Membership membership = Joined();
        membership.HandleUpdate(
            TimeSpan.Zero, Change([1, 2, 3], (4, DepartureReason.Failed), (5, DepartureReason.Failed)));
        Assert.Equal((4, 6), (membership.Alive.Count, membership.Expected.Count));
        Assert.Equal(3, membership.Majority(5));
        Assert.Equal(s_retention, membership.NextDeadline);
        Assert.False(membership.HandleDeadline(s_retention - TimeSpan.FromSeconds(1)));
        Assert.True(membership.HandleDeadline(s_retention));
        Assert.Equal(4, membership.Expected.Count);
    }

    [Fact]
    public void Member_that_left_is_missing_unless_the_others_agreed_to_it()
    {
        Membership membership = Joined();
        Assert.True(membership.TryLetLeave(s_ids[3], isAgreed: false));
        Assert.True(membership.TryLetLeave(s_ids[3], isAgreed: true));
        Assert.False(membership.TryLetLeave(s_ids[4], isAgreed: false)); // one at a time
        membership.HandleUpdate(
            TimeSpan.Zero, Change([1, 4, 5], (2, DepartureReason.Left), (3, DepartureReason.Left)));
        Assert.Equal([s_ids[2]], membership.MissingMembers);
        Assert.True(membership.TryLetLeave(s_ids[4], isAgreed: false));
        membership.HandleUpdate(
            TimeSpan.Zero, Change([1], (4, DepartureReason.Left), (5, DepartureReason.Left)));
        Assert.Equal([s_ids[2], s_ids[4], s_ids[5]], membership.MissingMembers);
    }

    [Fact]
    public void Agreement_is_to_one_leaving_only()
    {
        Membership membership = Joined();
        membership.TryLetLeave(s_ids[3], isAgreed: true);
        Assert.True(membership.IsGoing(s_ids[3]));
        membership.HandleUpdate(TimeSpan.Zero, Change([1, 2, 4, 5], (3, DepartureReason.Left)));
        membership.HandleUpdate(TimeSpan.Zero, Change([1, 2, 3, 4, 5]));
        Assert.False(membership.IsGoing(s_ids[3]));
        membership.HandleUpdate(TimeSpan.Zero, Change([1, 2, 4, 5], (3, DepartureReason.Left)));
        Assert.Equal([s_ids[3]], membership.MissingMembers);
    }

    [Fact]
    public void Member_that_came_back_is_missing_no_more()
    {
        Membership membership = Joined();
        membership.HandleUpdate(TimeSpan.Zero, Change([1, 2, 3, 4], (5, DepartureReason.Failed)));
        membership.HandleUpdate(TimeSpan.Zero, Change([1, 2, 3, 4, 5]));
        Assert.Empty(membership.MissingMembers);
    }

    [Fact]
    public void Members_from_before_a_restart_are_missing_until_they_are_seen()
    {
        Key[] note = [.. Joined().ToRemember()];
        var restarted = new Membership(s_ids[0], s_retention);
        restarted.Recall(TimeSpan.Zero, note);
        restarted.HandleUpdate(TimeSpan.Zero, Change([]));
        Assert.Equal((1, 6), (restarted.Alive.Count, restarted.Expected.Count));
        restarted.HandleUpdate(TimeSpan.Zero, Change([1, 2]));
        Assert.Equal(3, restarted.MissingMembers.Count());
    }

    [Fact]
    public void Fresh_single_member_is_a_ring_of_one()
    {
        var membership = new Membership(s_ids[0], s_retention);
        Assert.Null(membership.RootArc);
        membership.HandleUpdate(TimeSpan.Zero, Change([]));
        Assert.True(membership.RootArc!.Value.IsWhole);
        Assert.Equal(1, membership.Majority(5));
        Assert.True(membership.IsRootOf(Key.Max));
    }

    [Fact]
    public void Node_that_was_alone_speaks_for_no_ring_until_it_has_met_a_member_or_waited_for_one()
    {
        var membership = new Membership(s_ids[0], s_retention);
        var patience = TimeSpan.FromSeconds(30);
        membership.HandleUpdate(TimeSpan.Zero, Alone());
        Assert.Null(membership.NextDeadline);
        membership.HandleUpdate(s_retention, Change([])); // it reaches somebody, who is no member
        Assert.True(membership.IsAlone);
        Assert.Equal(s_retention + patience, membership.NextDeadline);
        membership.HandleUpdate(s_retention + patience, Change([1]));
        Assert.False(membership.IsAlone);

        membership.HandleUpdate(TimeSpan.Zero, Alone());
        membership.HandleUpdate(s_retention, Change([]));
        Assert.False(membership.HandleDeadline(s_retention + patience - TimeSpan.FromSeconds(1)));
        Assert.True(membership.HandleDeadline(s_retention + patience));
        Assert.False(membership.IsAlone);
        Assert.Null(membership.NextDeadline);
    }

    private static NeighbourChange Alone() =>
        new(new NeighbourSet(s_ids[0], isMember: true, [], [], 1, isAlone: true), [], []);

    private static Membership Joined()
    {
        var membership = new Membership(s_ids[0], s_retention);
        membership.HandleUpdate(TimeSpan.Zero, Change([1, 2, 3, 4, 5]));
        return membership;
    }

    private static NeighbourChange Change(int[] alive, params (int At, DepartureReason Reason)[] departed)
    {
        Key self = s_ids[0];
        Key[] others = [.. alive.Select(at => s_ids[at])];
        var neighbours = new NeighbourSet(
            self, true, [.. others.OrderBy(id => id - self)], [.. others.OrderBy(id => self - id)], 1);
        return new NeighbourChange(
            neighbours, [], [.. departed.Select(d => new Departure(s_ids[d.At], d.Reason))]);
    }

    [Theory]
    [InlineData("test", 2)]
    [InlineData("prod", 0)]
    public void Members_of_another_network_are_not_expected_after_a_restart(string network, int missing)
    {
        var cluster = new DhtCluster(1) { Options = new DhtNodeOptions { Network = "test" } };
        for (int at = 0; at < 3; at++)
        {
            cluster.Add();
        }

        cluster.Run(5);
        DhtClusterNode[] nodes = [.. cluster.Alive];
        foreach (DhtClusterNode node in nodes)
        {
            cluster.Kill(node);
        }

        cluster.Options = cluster.Options with { Network = network };
        cluster.Revive(nodes[0]);
        cluster.Run(1);
        Assert.Equal(missing, nodes[0].Dht.Status.Missing.Count);
        Assert.Equal(missing == 0, cluster.Put("tea", "green", nodes[0]).Receipt is not null);
    }
}
