namespace Igor.Node.Transport.Admission;

/// <summary>How a connection from outside ended that a bound was held against.</summary>
internal enum InboundRefusal
{
    /// <summary>It did not say in time, or at all, what a TLS client says first.</summary>
    Silent,

    /// <summary>What it said is not TLS, or its handshake failed.</summary>
    Handshake,

    /// <summary>It left its handshake unfinished until the deadline.</summary>
    Unfinished,

    /// <summary>It gave way to others before its handshake began.</summary>
    EvictedWaiting,

    /// <summary>It gave way to others while its handshake waited for the other end.</summary>
    EvictedHandshake,

    /// <summary>A link gave way: without a hello, of a stranger, or one of many of one identity.</summary>
    EvictedLink,

    /// <summary>A link found no place: members of the ring have them all.</summary>
    Full,
}

/// <summary>Running totals of what was refused. All members are thread-safe.</summary>
internal sealed class InboundCounters
{
    private readonly long[] _refused = new long[Enum.GetValues<InboundRefusal>().Length];
    private long _throttled;

    /// <summary>Times that a link was not read for a while: its peer sent more than its share.</summary>
    public long Throttled => Volatile.Read(ref _throttled);

    /// <summary>Connections that ended that way.</summary>
    public long Refused(InboundRefusal why) => Volatile.Read(ref _refused[(int)why]);

    /// <summary>Counts one.</summary>
    public void CountRefused(InboundRefusal why) => Interlocked.Increment(ref _refused[(int)why]);

    /// <summary>Counts one.</summary>
    public void CountThrottled() => Interlocked.Increment(ref _throttled);
}
