namespace Igor.Dht.Protocol.Records;

/// <summary>
/// Makes versions (a hybrid logical clock: Kulkarni et al., "Logical Physical Clocks", OPODIS'14): wall-clock
/// milliseconds in the upper 48 bits, a counter in the lower 16, never the same twice, and larger than every
/// version seen.
/// </summary>
/// <param name="writer">Tells this writer's versions from those of others.</param>
/// <param name="aheadMax">
/// How far a version may be ahead of the time. Neither versions seen nor those made before the time was
/// corrected drag the clock further.
/// </param>
internal sealed class HybridClock(ulong writer, TimeSpan aheadMax)
{
    /// <summary>Bits below the milliseconds.</summary>
    public const int CounterBits = 16;

    private ulong _last;

    /// <summary>A version newer than all before it that were not too far ahead.</summary>
    public RecordVersion Next(long nowUnixMs)
    {
        ulong wall = (ulong)Math.Max(0, nowUnixMs) << CounterBits;
        _last = _last < Limit(nowUnixMs) ? Math.Max(wall, _last + 1) : wall;
        return new RecordVersion(_last, writer);
    }

    /// <summary>
    /// Makes later versions newer than this one. One that lies far in the future counts once, through
    /// <see cref="Above"/>, but does not drag the clock along.
    /// </summary>
    public void Observe(RecordVersion seen, long nowUnixMs)
    {
        if (seen.Clock > _last && seen.Clock < Limit(nowUnixMs))
        {
            _last = seen.Clock;
        }
    }

    /// <summary>A version newer than all before it, and than the given one.</summary>
    public RecordVersion Above(RecordVersion seen, long nowUnixMs)
    {
        Observe(seen, nowUnixMs);
        RecordVersion next = Next(nowUnixMs);
        return next > seen || seen.Clock == ulong.MaxValue ? next : new RecordVersion(seen.Clock + 1, writer);
    }

    private ulong Limit(long nowUnixMs) =>
        (ulong)(Math.Max(0, nowUnixMs) + (long)aheadMax.TotalMilliseconds) << CounterBits;
}
