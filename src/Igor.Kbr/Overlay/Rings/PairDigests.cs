using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// What this node and each neighbour in any ring are to each other, over all rings that they share: one
/// number over what both must know, and whether they stand side by side. Changed by one ring at a time, read
/// at no cost.
/// </summary>
internal sealed class PairDigests(PeerTable peers)
{
    private readonly PerPeer<Pair> _pairs = new(peers, () => default);

    /// <summary>Equal on both sides when both agree in every ring; 0 for one that is no neighbour.</summary>
    public ulong Of(Peer peer) => _pairs[peer].Sum;

    /// <summary>Whether a peer is next to this node in any ring.</summary>
    public bool IsAdjacent(Peer peer) => _pairs[peer].Adjacent > 0;

    /// <summary>The set in a ring changed. Of a peer that is gone nothing is kept.</summary>
    public void Replace(RingTerms before, RingTerms after)
    {
        Count(before, isThere: false);
        Count(after, isThere: true);
    }

    private void Count(RingTerms terms, bool isThere)
    {
        foreach ((Key id, ulong part) in terms.Parts)
        {
            if (peers.TryGet(id, out Peer? peer))
            {
                _pairs[peer].Sum += isThere ? part : 0 - part;
            }
        }

        foreach (Key id in terms.Adjacent)
        {
            if (peers.TryGet(id, out Peer? peer))
            {
                _pairs[peer].Adjacent += isThere ? 1 : -1;
            }
        }
    }

    private struct Pair
    {
        public ulong Sum;

        public int Adjacent;
    }
}
