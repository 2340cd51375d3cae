using Igor.Kbr.Overlay.Addresses;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// How many attempts to connect others may cost this node: for each teller, for each host that is told of, so
/// that many tellers cannot make it hammer one, for strangers together and for all. Token buckets; an attempt
/// that leads to the node that was told of gives its token back, so that only what is wrong costs anything.
/// </summary>
internal sealed class DialBudget(int neighboursPerSide)
{
    private const int PruneAt = 256;
    private static readonly Rate Stranger = new(2, TimeSpan.FromSeconds(30));
    private static readonly Rate Strangers = new(16, TimeSpan.FromSeconds(4));
    private static readonly Rate Host = new(64, TimeSpan.FromSeconds(2));
    private static readonly Rate All = new(256, TimeSpan.FromMilliseconds(500));

    /// <summary>Several times what the answer to one question holds, both sides of a neighbourhood.</summary>
    private readonly Rate _trusted = new(8 * neighboursPerSide, TimeSpan.FromSeconds(3));

    private readonly Dictionary<(Key Id, bool IsTrusted), TokenBucket> _tellers = [];
    private readonly Dictionary<string, TokenBucket> _hosts = [];
    private readonly TokenBucket _strangers = Strangers.NewBucket();
    private readonly TokenBucket _all = All.NewBucket();

    /// <summary>Whether there is an attempt left for the teller, wherever it leads.</summary>
    public bool HasOne(TimeSpan now, in Teller teller) =>
        BucketOf(now, teller).HasOne(now) && _all.HasOne(now) && (teller.IsTrusted || _strangers.HasOne(now));

    /// <summary>Takes an attempt; false when the teller, the host or all have used up theirs.</summary>
    public bool TryTake(TimeSpan now, in Teller teller, string host)
    {
        if (!HasOne(now, teller) || !Find(_hosts, now, host, Host).TryTake(now))
        {
            return false;
        }

        BucketOf(now, teller).TryTake(now);
        return _all.TryTake(now) && (teller.IsTrusted || _strangers.TryTake(now));
    }

    /// <summary>The attempt led to the node that was told of.</summary>
    public void Return(TimeSpan now, in Teller teller, string host)
    {
        BucketOf(now, teller).Return();
        Find(_hosts, now, host, Host).Return();
        _all.Return();
        if (!teller.IsTrusted)
        {
            _strangers.Return();
        }
    }

    private TokenBucket BucketOf(TimeSpan now, in Teller teller) => Find(
        _tellers, now, (teller.Id, teller.IsTrusted), teller.IsTrusted ? _trusted : Stranger);

    /// <summary>
    /// The bucket of that name. Full ones are like new and are forgotten; the others are bounded by what all
    /// together may spend while one fills up.
    /// </summary>
    private static TokenBucket Find<TName>(
        Dictionary<TName, TokenBucket> buckets, TimeSpan now, TName name, Rate rate)
        where TName : notnull
    {
        if (buckets.TryGetValue(name, out TokenBucket? bucket))
        {
            return bucket;
        }

        if (buckets.Count >= PruneAt)
        {
            foreach (TName full in buckets.Where(b => b.Value.IsFull(now)).Select(b => b.Key).ToArray())
            {
                buckets.Remove(full);
            }
        }

        return buckets[name] = rate.NewBucket();
    }

    private readonly record struct Rate(int Burst, TimeSpan Period)
    {
        public TokenBucket NewBucket() => new(1 / Period.TotalSeconds, Burst);
    }
}
