using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Routing;

public class PendingTableTests
{
    private static readonly RouteHeader Header =
        new(ServiceId.Base, Key.Zero, Key.Zero, 1, 64, RouteFlags.None, 1000);

    private readonly PeerTable _peers = new();

    [Fact]
    public void Entries_come_due_once_each_within_a_tick_of_their_deadline_whatever_the_order()
    {
        var random = new SeededRandom(1);
        var table = new PendingTable(_peers, 10_000);
        TimeSpan start = TimeSpan.FromSeconds(100);
        var deadlines = new Dictionary<ulong, TimeSpan>();
        for (int i = 0; i < 2000; i++)
        {
            TimeSpan deadline = start + TimeSpan.FromMilliseconds(random.Next(40_000));
            deadlines.Add(table.Add(start, deadline)!.Id, deadline);
        }

        for (TimeSpan now = start; table.Count > 0; now = table.NextDeadline ?? now)
        {
            while (table.NextDue(now) is { } entry)
            {
                Assert.True(deadlines.Remove(entry.Id, out TimeSpan deadline));
                Assert.InRange(now - deadline, TimeSpan.Zero, TimeSpan.FromMilliseconds(20));
                table.Remove(entry);
            }
        }

        Assert.Empty(deadlines);
    }

    [Fact]
    public void An_id_is_not_found_again_after_its_entry_was_removed_and_reused()
    {
        var table = new PendingTable(_peers, 4);
        Pending first = table.Add(TimeSpan.Zero, TimeSpan.FromSeconds(1))!;
        ulong old = first.Id;
        table.Remove(first);
        Pending second = table.Add(TimeSpan.Zero, TimeSpan.FromSeconds(1))!;
        Assert.Null(table.Find(old));
        Assert.Same(second, table.Find(second.Id));
    }

    [Fact]
    public void A_full_table_takes_no_more()
    {
        var table = new PendingTable(_peers, 2);
        Assert.NotNull(table.Add(TimeSpan.Zero, TimeSpan.FromSeconds(1)));
        Assert.NotNull(table.Add(TimeSpan.Zero, TimeSpan.FromSeconds(1)));
        Assert.Null(table.Add(TimeSpan.Zero, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void Peers_share_the_table_so_that_each_leaves_as_much_as_it_holds()
    {
        var table = new PendingTable(_peers, 60);
        int[] held = [.. Enumerable.Range(1, 5).Select(i => Fill(table, new Key(0, 0, 0, (ulong)i)))];
        Assert.Equal([30, 15, 8, 4, 2], held);
        Assert.NotNull(table.Add(TimeSpan.Zero, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void Entries_that_are_due_leave_a_crowded_slot_in_the_order_they_came()
    {
        var table = new PendingTable(_peers, 100);
        TimeSpan round = TimeSpan.FromMilliseconds(10 * 1024);
        var due = new List<Pending>();
        for (int i = 0; i < 10; i++)
        {
            due.Add(table.Add(TimeSpan.Zero, TimeSpan.FromMilliseconds(5))!);
            table.Add(TimeSpan.Zero, TimeSpan.FromMilliseconds(5) + round);
        }

        foreach (Pending expected in due)
        {
            Assert.Same(expected, table.NextDue(TimeSpan.FromMilliseconds(10)));
            table.Remove(expected);
        }

        Assert.Null(table.NextDue(round));
        Assert.NotNull(table.NextDue(round + TimeSpan.FromMilliseconds(10)));
    }

    [Fact]
    public void Strangers_hold_a_quarter_of_the_table_however_many_they_are()
    {
        var table = new PendingTable(_peers, 400);
        int held = Enumerable.Range(1, 100).Sum(i => Fill(table, Peer(i), PeerStanding.Stranger));
        Assert.InRange(held, 90, 100);
        Assert.InRange(Fill(table, Peer(101), PeerStanding.Member), 140, 160);
    }

    [Fact]
    public void What_a_stranger_held_is_free_again_whatever_it_has_become()
    {
        var table = new PendingTable(_peers, 40);
        for (int i = 0; i < 100; i++)
        {
            Link link = Connect(Peer(i), PeerStanding.Stranger);
            Pending entry = table.Add(TimeSpan.Zero, Header, link)!;
            link.Peer!.Standing = PeerStanding.Member;
            table.Remove(entry);
        }

        Assert.Equal(5, Fill(table, Peer(100), PeerStanding.Stranger));
    }

    private static Key Peer(int number) => new(0, 0, 0, (ulong)number);

    private Link Connect(Key peer, PeerStanding standing)
    {
        var link = new Link(new LinkId(1), peer, true, LinkPurpose.Neighbour, "a:1");
        link.Peer = new Peer(peer, link) { Standing = standing };
        _peers.Add(link.Peer);
        return link;
    }

    private int Fill(PendingTable table, Key peer, PeerStanding standing = PeerStanding.Member)
    {
        Link link = Connect(peer, standing);
        int held = 0;
        while (table.Add(TimeSpan.Zero, Header, link) is not null)
        {
            held++;
        }

        return held;
    }

    [Fact]
    public void A_changed_deadline_counts()
    {
        var table = new PendingTable(_peers, 2);
        Pending entry = table.Add(TimeSpan.Zero, TimeSpan.FromSeconds(40))!;
        table.Change(entry, PendingKind.Sent, TimeSpan.FromSeconds(1));
        table.Change(entry, PendingKind.Parked, TimeSpan.FromSeconds(30));
        Assert.Null(table.NextDue(TimeSpan.FromSeconds(29)));
        Assert.Same(entry, table.NextDue(TimeSpan.FromSeconds(31)));
    }
}
