using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Views;

/// <summary>
/// Which piece each key of the ring belongs to. A view belongs to each key; neighbours about which the same
/// is kept are one entry here. Setting part of a piece splits it, equal neighbours become one again.
/// </summary>
internal sealed class PieceMap
{
    /// <summary>A voter has 5 to 20 pieces; what splits more than this is hostile or broken.</summary>
    public const int PartsMax = 1024;

    // Each part reaches up to where the next begins; the first begins at the key 0.
    private readonly List<Part> _parts = [new(Key.Zero, null)];

    /// <summary>Number of parts that the ring is divided into, those without a piece included.</summary>
    public int Count => _parts.Count;

    /// <summary>The piece of a key; null where this node keeps nothing.</summary>
    public Piece? Find(Key key) => _parts[IndexOf(key)].Piece;

    /// <summary>The parts that have keys in a span, cut to it, in order.</summary>
    public IEnumerable<(KeySpan Span, Piece? Piece)> Within(KeySpan span)
    {
        for (int at = IndexOf(span.First); at < _parts.Count && _parts[at].First <= span.Last; at++)
        {
            Key first = _parts[at].First > span.First ? _parts[at].First : span.First;
            Key last = LastOf(at) < span.Last ? LastOf(at) : span.Last;
            yield return (new KeySpan(first, last), _parts[at].Piece);
        }
    }

    /// <summary>
    /// Puts all keys of a span into one piece, or none; false, and nothing is changed, when the ring would be
    /// divided into more parts than are allowed.
    /// </summary>
    public bool TrySet(KeySpan span, Piece? piece)
    {
        // What is put in the place of the parts that the span touches, and of the one on either side of them.
        int from = IndexOf(span.First);
        int to = IndexOf(span.Last);
        var parts = new List<Part>(5);
        if (_parts[from].First < span.First)
        {
            parts.Add(_parts[from]);
        }

        if (from > 0)
        {
            parts.Insert(0, _parts[--from]);
        }

        parts.Add(new Part(span.First, piece));
        if (LastOf(to) > span.Last)
        {
            parts.Add(new Part(span.Last + KeySpan.One, _parts[to].Piece));
        }

        if (to + 1 < _parts.Count)
        {
            parts.Add(_parts[++to]);
        }

        for (int at = parts.Count - 1; at > 0; at--)
        {
            if (Equals(parts[at].Piece, parts[at - 1].Piece))
            {
                parts.RemoveAt(at);
            }
        }

        if (_parts.Count - (to - from + 1) + parts.Count > PartsMax)
        {
            return false;
        }

        _parts.RemoveRange(from, to - from + 1);
        _parts.InsertRange(from, parts);
        return true;
    }

    private Key LastOf(int index) =>
        index + 1 < _parts.Count ? _parts[index + 1].First - KeySpan.One : Key.Max;

    // The part that a key lies in.
    private int IndexOf(Key key)
    {
        int low = 0;
        int high = _parts.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) >>> 1;
            if (_parts[middle].First <= key)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return low;
    }

    private readonly record struct Part(Key First, Piece? Piece);
}
