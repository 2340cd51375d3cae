namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>How long something of the ring's upkeep can wait.</summary>
internal enum UpkeepUrgency
{
    /// <summary>
    /// The ring breaks without it: signs of life, neighbours. May use what comes in the next minute.
    /// </summary>
    Now,

    /// <summary>Makes the ring better: fingers, meeting places, refreshes. Waits for room.</summary>
    Later,
}

/// <summary>
/// What a node may send to keep its rings up: bytes a second, frames with their overhead, handshakes at what
/// they cost. Where a repair needs more for a while it borrows, up to a bound, and what can wait does until
/// that is paid back. Time comes in with each call.
/// </summary>
internal sealed class UpkeepBudget(int bytesPerSecond)
{
    /// <summary>
    /// What a frame alone costs beyond its body: its length, the TLS record, TCP and IP headers.
    /// </summary>
    public const int FrameOverheadBytes = 66;

    /// <summary>Seconds of budget that gather while little happens, and that may be borrowed.</summary>
    private const int BurstSeconds = 60;

    private readonly double _burst = (double)bytesPerSecond * BurstSeconds;
    private double _bytes = (double)bytesPerSecond * BurstSeconds;
    private TimeSpan _filledAt;

    /// <summary>Bytes that were spent since the start.</summary>
    public long Spent { get; private set; }

    /// <summary>Whether something that costs so much may be done now.</summary>
    public bool Allows(TimeSpan now, int bytes, UpkeepUrgency urgency)
    {
        Fill(now);
        return urgency == UpkeepUrgency.Now ? _bytes - bytes >= -_burst : _bytes >= bytes;
    }

    /// <summary>Takes bytes that were sent.</summary>
    public void Spend(TimeSpan now, int bytes)
    {
        Fill(now);
        _bytes -= bytes;
        Spent += bytes;
    }

    /// <summary>Takes the bytes where they may be sent now; false where they have to wait.</summary>
    public bool TrySpend(TimeSpan now, int bytes, UpkeepUrgency urgency)
    {
        if (!Allows(now, bytes, urgency))
        {
            return false;
        }

        Spend(now, bytes);
        return true;
    }

    private void Fill(TimeSpan now)
    {
        _bytes = Math.Min(_burst, _bytes + ((now - _filledAt).TotalSeconds * bytesPerSecond));
        _filledAt = now;
    }
}
