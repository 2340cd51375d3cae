namespace Igor.Kbr;

/// <summary>
/// A snapshot of a node's neighbours in one service: the nearest members clockwise and counter-clockwise,
/// nearest first. In a ring smaller than both sides together the same node stands on both.
/// </summary>
public sealed class NeighbourSet
{
    private readonly ImmutableArray<Key> _line; // self and neighbours, each once, clockwise

    /// <summary>Makes a snapshot.</summary>
    /// <param name="self">The node's id.</param>
    /// <param name="isMember">
    /// Whether the node is an active member of the service (and so counts itself).
    /// </param>
    /// <param name="clockwise">The nearest members clockwise, nearest first.</param>
    /// <param name="counterClockwise">The nearest members counter-clockwise, nearest first.</param>
    /// <param name="version">Grows with every change.</param>
    /// <param name="isAlone">Whether the node reaches none of those it was given to join or knows.</param>
    public NeighbourSet(
        Key self,
        bool isMember,
        ImmutableArray<Key> clockwise,
        ImmutableArray<Key> counterClockwise,
        long version,
        bool isAlone = false)
    {
        Self = self;
        IsMember = isMember;
        Clockwise = clockwise;
        CounterClockwise = counterClockwise;
        Version = version;
        IsAlone = isAlone;
        _line = Line(out bool doSidesMeet);
        IsWholeRing = doSidesMeet || clockwise.IsEmpty || counterClockwise.IsEmpty;
    }

    /// <summary>The set of a node that knows nobody.</summary>
    public static NeighbourSet Alone(Key self, bool isMember) => new(self, isMember, [], [], 0);

    /// <summary>The node's own id.</summary>
    public Key Self { get; }

    /// <summary>Whether the node is an active member of the service.</summary>
    public bool IsMember { get; }

    /// <summary>The nearest members clockwise, nearest first.</summary>
    public ImmutableArray<Key> Clockwise { get; }

    /// <summary>The nearest members counter-clockwise, nearest first.</summary>
    public ImmutableArray<Key> CounterClockwise { get; }

    /// <summary>Grows with every change.</summary>
    public long Version { get; }

    /// <summary>
    /// Whether the node reaches none of those that it was given to join or knows: an application must not act
    /// here as if this node were the whole ring, since there may well be others (<see cref="RingState"/>).
    /// </summary>
    public bool IsAlone { get; }

    /// <summary>The neighbours, each once, in clockwise order; the node itself is not among them.</summary>
    public IEnumerable<Key> Others => _line.Where(id => id != Self);

    /// <summary>Number of different neighbours.</summary>
    public int Count => _line.Length - 1;

    /// <summary>Whether the neighbours are the whole ring: the two sides meet.</summary>
    public bool IsWholeRing { get; }

    /// <summary>Whether a node is a neighbour.</summary>
    internal bool Contains(Key id) => Clockwise.Contains(id) || CounterClockwise.Contains(id);

    /// <summary>
    /// The known members nearest to a key, nearest first, at most <paramref name="count"/>: the first is its
    /// root. Right for keys near the node; far from it, only what the node knows.
    /// </summary>
    public IReadOnlyList<Key> ReplicaSet(Key key, int count)
    {
        IEnumerable<Key> members = _line.Where(id => IsMember || id != Self);
        return [.. members.Order(Comparer<Key>.Create(key.CompareNearness)).Take(count)];
    }

    /// <summary>
    /// The arc of keys for which a node is among the <paramref name="rank"/> nearest (rank 1: the keys it is
    /// the root of), or null when the node is not known or the neighbours do not reach far enough to tell.
    /// </summary>
    public Arc? Range(Key node, int rank)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, 1);
        return RingGeometry.Range(_line, node, rank, IsWholeRing);
    }

    /// <summary>
    /// Self and neighbours, each once, clockwise: from itself around a whole ring, else from the farthest one
    /// behind. A set is made at each change of a neighbour in each ring, hence the loops.
    /// </summary>
    private ImmutableArray<Key> Line(out bool doSidesMeet)
    {
        var behind = ImmutableArray.CreateBuilder<Key>(CounterClockwise.Length + 1 + Clockwise.Length);
        for (int i = CounterClockwise.Length - 1; i >= 0; i--)
        {
            if (!Clockwise.Contains(CounterClockwise[i]))
            {
                behind.Add(CounterClockwise[i]);
            }
        }

        doSidesMeet = behind.Count < CounterClockwise.Length;
        int at = doSidesMeet ? 0 : behind.Count;
        behind.Insert(at, Self);
        behind.InsertRange(at + 1, Clockwise);
        return behind.ToImmutable();
    }
}
