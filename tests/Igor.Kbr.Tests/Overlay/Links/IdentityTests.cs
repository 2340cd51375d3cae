using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Links;

/// <summary>Two live nodes with one identity, as from a copied folder, and what looks like that.</summary>
public class IdentityTests
{
    private readonly TestNetwork _network = new();
    private readonly SeededRandom _random = new(3);

    [Fact]
    public void Of_two_live_nodes_with_one_identity_the_later_one_is_told_to_end()
    {
        TestNode first = _network.Add(_random.NextKey());
        TestNode original = _network.Add(_random.NextKey(), through: first);
        _network.Run(TimeSpan.FromSeconds(10));
        TestNode copy = _network.Add(original.Id, through: first);
        _network.Until(() => Lost(copy) is not null, TimeSpan.FromSeconds(5));
        Assert.Contains(original.Address, Lost(copy)!.Text, StringComparison.Ordinal);
        _network.Until(() => Troubles(original).Length == 1);
        Assert.Contains(copy.Address, Troubles(original)[0].Text, StringComparison.Ordinal);
        Assert.Null(Lost(original));
        Assert.Contains(original.Id, first.Overlay.Neighbours(ServiceId.Base).Others);
        Assert.Contains(
            first.Events, e => e.Text.Contains("two live nodes", StringComparison.Ordinal));
    }

    [Fact]
    public void Links_of_the_first_do_not_flap_while_a_copy_tries()
    {
        TestNode first = _network.Add(_random.NextKey());
        TestNode original = _network.Add(_random.NextKey(), through: first);
        _network.Run(TimeSpan.FromSeconds(10));
        _network.Add(original.Id, through: first);
        _network.Run(TimeSpan.FromSeconds(20));
        Assert.DoesNotContain(original.Events, e => e.Kind == OverlayEventKind.PeerLost);
        Assert.DoesNotContain(first.Events, e => e.Kind == OverlayEventKind.PeerLost);
    }

    [Fact]
    public void Copy_that_joins_through_the_original_is_told_to_end()
    {
        TestNode original = _network.Add(_random.NextKey());
        _network.Run(TimeSpan.FromSeconds(10));
        TestNode copy = _network.Add(original.Id, through: original);
        _network.Until(() => Lost(copy) is not null, TimeSpan.FromSeconds(5));
        _network.Until(() => Troubles(original).Length == 1, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void Clash_is_over_when_the_other_has_ended()
    {
        TestNode original = _network.Add(_random.NextKey());
        _network.Run(TimeSpan.FromSeconds(10));
        TestNode copy = _network.Add(original.Id, through: original);
        _network.Until(() => Troubles(original).Length == 1);
        copy.Kill();
        _network.Run(TimeSpan.FromSeconds(60));
        Assert.Empty(Troubles(original));
    }

    [Fact]
    public void Restart_after_a_silent_death_is_no_copy()
    {
        TestNode first = _network.Add(_random.NextKey());
        TestNode original = _network.Add(_random.NextKey(), through: first);
        _network.Run(TimeSpan.FromSeconds(10));
        original.Kill(silently: true);
        TestNode again = _network.Add(original.Id, through: first);
        _network.Until(() => again.Overlay.Ring == RingStanding.Joined, TimeSpan.FromSeconds(5));
        _network.Run(TimeSpan.FromSeconds(10));
        Assert.Null(Lost(again));
        Assert.Empty(Troubles(again));
        Assert.Equal(RingStanding.Joined, again.Overlay.Ring);
        Assert.Contains(again.Id, first.Overlay.Neighbours(ServiceId.Base).Others);
    }

    [Fact]
    public void Two_that_start_at_the_same_moment_do_not_both_end()
    {
        TestNode first = _network.Add(_random.NextKey());
        _network.Run(TimeSpan.FromSeconds(5));
        Key id = _random.NextKey();
        TestNode one = _network.Add(id, through: first);
        TestNode other = _network.Add(id, through: first);
        _network.Run(TimeSpan.FromSeconds(10));
        Assert.Single(new[] { one, other }, node => Lost(node) is not null);
    }

    [Fact]
    public void Peer_that_lies_about_a_copy_ends_nobody()
    {
        var node = new LoneNode(_random.NextKey());
        LinkId link = node.Connect(_random.NextKey());
        for (int i = 0; i < 100; i++)
        {
            int port = i + 1;
            node.Say(link, new IdentityClashMessage([$"10.1.1.1:{port}"]));
            node.Run(TimeSpan.FromMilliseconds(100));
        }

        Assert.InRange(node.Dials.Count, 1, 5);
        node.Connect(_random.NextKey(), node.Dials[0].Dial, node.Dials[0].Address);
        node.Run(TimeSpan.FromSeconds(5));
        Assert.DoesNotContain(node.Events, e => e.Kind == OverlayEventKind.IdentityLost);
        Assert.DoesNotContain(node.Overlay.Troubles, t => t.Kind == TroubleKinds.IdentityClash);
        Assert.Single(node.Events, e => e.Kind == OverlayEventKind.Refused && e.Text.Contains("identity"));
    }

    private static OverlayEvent? Lost(TestNode node) =>
        node.Events.Find(e => e.Kind == OverlayEventKind.IdentityLost);

    private static Trouble[] Troubles(TestNode node) =>
        [.. node.Overlay.Troubles.Where(t => t.Kind == TroubleKinds.IdentityClash)];
}
