using Igor.Kbr;

namespace Igor.Dht.Protocol.Ring;

/// <summary>
/// Members that said that they are going for good: they are there, and count, but what is written goes also
/// to those who take their place. Each repeats it; whoever does not is an ordinary member again.
/// </summary>
internal sealed class Drainers
{
    /// <summary>How long a word counts that is not repeated.</summary>
    private static readonly TimeSpan Retention = TimeSpan.FromSeconds(10);

    private readonly SortedDictionary<Key, TimeSpan> _until = [];

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => _until.Count == 0;

    /// <summary>When the next word ends that was not repeated.</summary>
    public TimeSpan? NextDeadline => _until.Values.Where(until => until < TimeSpan.MaxValue)
        .Select(until => (TimeSpan?)until).Min();

    /// <summary>Whether a member is one of them.</summary>
    public bool Contains(Key id) => _until.ContainsKey(id);

    /// <summary>
    /// A member says whether it is going for good; one's own word counts until it is taken back. Returns
    /// whether that is news.
    /// </summary>
    public bool Hear(TimeSpan now, Key id, bool isDraining, bool isSelf)
    {
        bool isNews = _until.ContainsKey(id) != isDraining;
        _until.Remove(id);
        if (isDraining)
        {
            _until.Add(id, isSelf ? TimeSpan.MaxValue : now + Retention);
        }

        return isNews;
    }

    /// <summary>Forgets those who did not repeat it; returns how many.</summary>
    public int Expire(TimeSpan now) => Forget(id => _until[id] <= now);

    /// <summary>Forgets some of them; returns how many.</summary>
    public int Forget(Predicate<Key> isForgotten)
    {
        Key[] ended = [.. _until.Keys.Where(id => isForgotten(id))];
        Array.ForEach(ended, id => _until.Remove(id));
        return ended.Length;
    }

    /// <summary>The members of a ring that stay.</summary>
    public RingView RestOf(RingView ring) => IsEmpty ? ring : ring.Without(_until.ContainsKey);
}
