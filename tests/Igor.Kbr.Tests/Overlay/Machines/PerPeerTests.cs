using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Machines;

public class PerPeerTests
{
    [Fact]
    public void What_is_kept_stays_until_the_peer_is_released_and_begins_anew_with_the_next()
    {
        var peers = new PeerTable();
        var kept = new PerPeer<int>(peers, () => 7);
        Peer first = Make(1);
        peers.Add(first);
        kept[first] = 8;

        peers.Remove(first);
        Assert.Equal(8, kept[first]);
        peers.Release(first);
        Peer second = Make(2);
        peers.Add(second);

        Assert.Equal(7, kept[second]);
        Assert.Throws<IndexOutOfRangeException>(() => kept[first]);
    }

    [Fact]
    public void Peers_that_are_connected_share_nothing()
    {
        var peers = new PeerTable();
        var kept = new PerPeer<ulong>(peers, () => 0);
        Peer[] all = [.. Enumerable.Range(1, 20).Select(i => Make((ulong)i))];
        foreach (Peer peer in all)
        {
            peers.Add(peer);
            kept[peer] = (ulong)peer.Slot + 100;
        }

        Assert.Equal(20, all.Select(peer => kept[peer]).Distinct().Count());
    }

    private static Peer Make(ulong number)
    {
        var id = new Key(0, 0, 0, number);
        return new Peer(id, new Link(new LinkId((long)number), id, true, LinkPurpose.Neighbour, "a:1"));
    }
}
