using System.Runtime.InteropServices;

namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// For each neighbour in any ring, one number over all that it must know as well as this node: equal on both
/// sides when the two agree in every ring that they share. Changed by one ring at a time, read at no cost.
/// </summary>
internal sealed class PairDigests
{
    private readonly Dictionary<Key, (ulong Sum, int Rings)> _pairs = [];

    /// <summary>The digest for a peer; 0 for one that is a neighbour in no ring.</summary>
    public ulong Of(Key peer) => _pairs.GetValueOrDefault(peer).Sum;

    /// <summary>The set in a ring changed.</summary>
    public void Replace(RingTerms before, RingTerms after)
    {
        foreach ((Key id, ulong part) in before.Parts)
        {
            ref (ulong Sum, int Rings) pair = ref CollectionsMarshal.GetValueRefOrNullRef(_pairs, id);
            pair = (pair.Sum - part, pair.Rings - 1);
        }

        foreach ((Key id, ulong part) in after.Parts)
        {
            ref (ulong Sum, int Rings) pair =
                ref CollectionsMarshal.GetValueRefOrAddDefault(_pairs, id, out _);
            pair = (pair.Sum + part, pair.Rings + 1);
        }

        foreach ((Key id, _) in before.Parts)
        {
            if (_pairs.TryGetValue(id, out (ulong Sum, int Rings) pair) && pair.Rings == 0)
            {
                _pairs.Remove(id);
            }
        }
    }
}
