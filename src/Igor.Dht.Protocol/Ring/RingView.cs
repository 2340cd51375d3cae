using Igor.Kbr;

namespace Igor.Dht.Protocol.Ring;

/// <summary>
/// Members of the ring around a node, in clockwise order: all of them, or a piece with the node in its
/// middle. Answers who is near a key, and which keys a member is near to, without allocating.
/// </summary>
internal sealed class RingView
{
    private readonly Key[] _line;

    private RingView(Key self, Key[] line, bool isWhole)
    {
        Self = self;
        _line = line;
        IsWhole = isWhole;
    }

    /// <summary>The node whose view it is.</summary>
    public Key Self { get; }

    /// <summary>Whether these are all members there are.</summary>
    public bool IsWhole { get; }

    /// <summary>The members, each once, in clockwise order.</summary>
    public ReadOnlySpan<Key> Members => _line;

    /// <summary>Number of members.</summary>
    public int Count => _line.Length;

    /// <summary>
    /// The members of a neighbour set, and others that are taken for members too. Of the others, those count
    /// that lie within the piece of the ring that the set spans.
    /// </summary>
    public static RingView Of(NeighbourSet neighbours, IEnumerable<Key> others)
    {
        bool isWhole = neighbours.IsWholeRing;
        Key start = isWhole ? neighbours.Self : neighbours.CounterClockwise[^1];
        Key reach = isWhole ? Key.Max : neighbours.Clockwise[^1] - start;
        var members = new List<Key>(neighbours.Count + 9);
        if (neighbours.IsMember)
        {
            members.Add(neighbours.Self);
        }

        members.AddRange(neighbours.Clockwise);
        members.AddRange(neighbours.CounterClockwise);
        foreach (Key other in others)
        {
            if (other - start <= reach)
            {
                members.Add(other);
            }
        }

        members.Sort((a, b) => (a - start).CompareTo(b - start));
        var line = new List<Key>(members.Count);
        foreach (Key member in members)
        {
            if (line.Count == 0 || line[^1] != member)
            {
                line.Add(member);
            }
        }

        return new RingView(neighbours.Self, [.. line], isWhole);
    }

    /// <summary>The same without some members.</summary>
    public RingView Without(Func<Key, bool> isLeftOut) =>
        new(Self, [.. _line.Where(id => !isLeftOut(id))], IsWhole);

    /// <summary>Whether a node, were it a member, would lie between those that are here.</summary>
    public bool Spans(Key node) => IsWhole || node - _line[0] <= _line[^1] - _line[0];

    /// <summary>Whether a node is among the members.</summary>
    public bool Contains(Key node) => Array.IndexOf(_line, node) >= 0;

    /// <summary>
    /// Writes the members nearest to a key, nearest first, as many as fit or there are; returns how many.
    /// </summary>
    public int Nearest(Key key, Span<Key> nearest)
    {
        int count = Math.Min(nearest.Length, _line.Length);
        if (count == 0)
        {
            return 0;
        }

        int clockwise = IndexAtOrAfter(key);
        int back = clockwise - 1;
        for (int at = 0; at < count; at++)
        {
            Key ahead = _line[Wrap(clockwise)];
            Key behind = _line[Wrap(back)];
            if (key.CompareNearness(ahead, behind) <= 0)
            {
                nearest[at] = ahead;
                clockwise++;
            }
            else
            {
                nearest[at] = behind;
                back--;
            }
        }

        return count;
    }

    /// <summary>
    /// The keys for which a member is among the given number of nearest; null for a node that is none. Near
    /// the ends of a piece of the ring the arc is cut short on the side that cannot be seen, the one away
    /// from the middle.
    /// </summary>
    public Arc? Range(Key node, int rank)
    {
        int at = Array.IndexOf(_line, node);
        if (at < 0)
        {
            return null;
        }

        if (IsWhole)
        {
            return _line.Length <= rank
                ? Arc.Whole
                : RingGeometry.Between(_line[Wrap(at - rank)], node, _line[Wrap(at + rank)]);
        }

        return RingGeometry.Between(
            _line[Math.Max(0, at - rank)], node, _line[Math.Min(_line.Length - 1, at + rank)]);
    }

    /// <summary>
    /// Like <see cref="Range"/>, but where the piece of the ring is too short to tell on the side towards the
    /// middle, the whole ring: no key near the middle is left out.
    /// </summary>
    public Arc? Reach(Key node, int rank)
    {
        int at = Array.IndexOf(_line, node);
        int middle = Array.IndexOf(_line, Self);
        bool isCut = !IsWhole && at >= 0 && (at > middle ? at - rank < 0 : at + rank >= _line.Length);
        return isCut ? Arc.Whole : Range(node, rank);
    }

    /// <summary>
    /// Adds the keys at which the set of the given number of nearest members changes: between two of them
    /// that follow one another on the ring it is the same for all keys.
    /// </summary>
    public void AddChangePoints(int rank, List<Key> points)
    {
        if (IsWhole && _line.Length <= rank)
        {
            return;
        }

        int last = IsWhole ? _line.Length : _line.Length - rank;
        for (int at = 0; at < last; at++)
        {
            Key node = _line[Wrap(at + rank)];
            points.Add(RingGeometry.Between(_line[at], node, node).Start);
        }
    }

    /// <summary>An arc in pieces, of each of which all keys have the same nearest members.</summary>
    public List<Arc> Pieces(Arc arc, int rank)
    {
        var points = new List<Key> { arc.Start };
        AddChangePoints(rank, points);
        points.RemoveAll(point => !arc.Contains(point));
        points.Sort((a, b) => (a - arc.Start).CompareTo(b - arc.Start));
        var pieces = new List<Arc>(points.Count);
        for (int at = 0; at < points.Count; at++)
        {
            Key end = at + 1 < points.Count ? points[at + 1] : arc.End;
            if (at + 1 == points.Count || end != points[at])
            {
                pieces.Add(new Arc(points[at], end));
            }
        }

        return pieces;
    }

    private int IndexAtOrAfter(Key key)
    {
        Key offset = key - _line[0];
        int low = 0;
        int high = _line.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_line[middle] - _line[0] < offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private int Wrap(int index) =>
        index < 0 ? index + _line.Length : index >= _line.Length ? index - _line.Length : index;
}
