using Igor.Kbr;

namespace Igor.Dht.Protocol.Ring;

/// <content>Members that go for good.</content>
internal sealed partial class Membership
{
    /// <summary>Those of the members alive that do not go for good.</summary>
    public RingView Remaining { get; private set; }

    /// <summary>The members that said that they are going for good.</summary>
    public Drainers Drainers { get; } = new();

    /// <summary>
    /// A member, or this node, says whether it is going for good; returns whether that is news.
    /// </summary>
    public bool HandleDraining(TimeSpan now, Key id, bool isDraining)
    {
        bool isNews = Drainers.Hear(now, id, isDraining, id == Self);
        if (_leaving == id && !_isAgreed)
        {
            _leaving = null; // it does not go just now
        }

        Remaining = Drainers.RestOf(Alive);
        return isNews;
    }

    /// <summary>
    /// The same, and of those besides that are to hold the record when those have gone that go for good: what
    /// is written then stays on a majority.
    /// </summary>
    public bool IsLastingMajority(Key key, int replicas, Func<Key, bool> isAsAsked) =>
        IsMajority(key, replicas, isAsAsked) && (Drainers.IsEmpty
            || IsMajority(Drainers.RestOf(Expected), key, replicas, isAsAsked));

    /// <summary>
    /// Who takes what is written: the members alive that are to hold a record, and those that are when those
    /// have gone that go for good. Returns how many these are.
    /// </summary>
    public int Takers(Key key, int replicas, Span<Key> takers)
    {
        int count = Alive.Nearest(key, takers[..replicas]);
        if (Drainers.IsEmpty)
        {
            return count;
        }

        Span<Key> staying = stackalloc Key[replicas];
        foreach (Key id in staying[..Remaining.Nearest(key, staying)])
        {
            if (!takers[..count].Contains(id))
            {
                takers[count++] = id;
            }
        }

        return count;
    }

    /// <summary>
    /// Whether a member is to hold keys with so many replicas: now, or when those have gone that go for good.
    /// </summary>
    public ArcSet Held(Key id, int replicas)
    {
        var arcs = new ArcSet();
        if (Alive.Range(id, replicas) is { } now)
        {
            arcs.Add(now);
        }

        if (!Drainers.IsEmpty && Remaining.Range(id, replicas) is { } then)
        {
            arcs.Add(then);
        }

        return arcs;
    }

    /// <summary>
    /// Whether a majority is there without those that go for good, wherever they are to hold records.
    /// </summary>
    public bool CanDrain()
    {
        RingView expected = Drainers.RestOf(Expected);
        Span<Key> near = stackalloc Key[Neighbourhood.Replicas];
        foreach (Key point in ChangePoints(expected))
        {
            int count = expected.Nearest(point, near);
            if (CountAlive(near[..count]) < CopiesNeeded.Majority(count, count))
            {
                return false;
            }
        }

        return true;
    }
}
