namespace Igor.Kbr.Overlay.Clocks;

/// <summary>
/// What is known of one peer's wall clock: what it showed when our monotonic time was zero, which stays the
/// same whatever our own wall clock does.
/// </summary>
internal sealed class PeerClock
{
    /// <summary>Milliseconds since 1970 at our monotonic zero; null before the first sample.</summary>
    public long? AtZeroMs { get; private set; }

    /// <summary>When that was learned.</summary>
    public TimeSpan SampledAt { get; private set; }

    /// <summary>
    /// Whether it stems from a question and its answer, which bound the error by the time between them. What
    /// a peer says unasked may have waited anywhere, and looks like a clock that is slow.
    /// </summary>
    public bool IsExact { get; private set; }

    /// <summary>Whether something came that does not fit, so that the peer is asked soon.</summary>
    public bool IsInDoubt { get; private set; }

    /// <summary>When the peer was asked last.</summary>
    public TimeSpan? AskedAt { get; set; }

    /// <summary>The peer answered a question in so short a time that the answer is exact.</summary>
    public void Measure(TimeSpan now, long atZeroMs)
    {
        AtZeroMs = atZeroMs;
        SampledAt = now;
        IsExact = true;
        IsInDoubt = false;
    }

    /// <summary>
    /// The peer said something unasked, or answered late: that bears out what is known exactly, or casts
    /// doubt on it. Returns whether more is known now than before.
    /// </summary>
    public bool Hear(TimeSpan now, long atZeroMs, long toleranceMs)
    {
        bool fits = AtZeroMs is { } known && Math.Abs(known - atZeroMs) <= toleranceMs;
        IsInDoubt |= !fits;
        SampledAt = !IsExact || fits ? now : SampledAt;
        AtZeroMs = IsExact ? AtZeroMs : atZeroMs;
        return !IsExact;
    }
}
