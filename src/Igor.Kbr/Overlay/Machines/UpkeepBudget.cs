namespace Igor.Kbr.Overlay.Machines;

/// <summary>How long something of the ring's upkeep can wait.</summary>
internal enum UpkeepUrgency
{
    /// <summary>The ring breaks without it: neighbours. May use what the next twenty minutes bring.</summary>
    Now,

    /// <summary>
    /// What others may need, or only claim to: may use half of that, so that they leave room for what this
    /// node needs itself.
    /// </summary>
    Soon,

    /// <summary>Makes the ring better: fingers, meeting places, refreshes. Waits for room.</summary>
    Later,
}

/// <summary>
/// What a node may spend to keep its rings up, in bytes a second: what it begins itself, frames with their
/// overhead, connections at what they cost both sides. Where a repair needs more for a while it borrows, up
/// to a bound, and what can wait does until that is paid back. What peers begin is bounded for each of them,
/// or they could use up what this node needs. Time comes in with each call.
/// </summary>
internal sealed class UpkeepBudget(int bytesPerSecond)
{
    /// <summary>What a frame costs beyond its body: its length, the TLS record, TCP and IP headers.</summary>
    public const int FrameOverheadBytes = 66;

    /// <summary>What a connection costs from its first packet to its last, on both sides together.</summary>
    public const int ConnectionBytes = 2_400;

    /// <summary>A lookup of a far place: a question and a short answer over a few hops.</summary>
    public const int LookupBytes = 1_200;

    /// <summary>
    /// Seconds of budget that may be borrowed. In a network that grows by a multiple within seconds each node
    /// meets a hundred neighbours, one nearer than the other, and none of them may be missing.
    /// </summary>
    private const int BorrowedSecondsMax = 1_200;

    /// <summary>Seconds of budget that gather while little happens, and that a node starts with.</summary>
    private const int GatheredSecondsMax = 20;

    private double _bytes = (double)bytesPerSecond * GatheredSecondsMax;
    private TimeSpan _filledAt;

    /// <summary>All bytes that were sent for upkeep since the start, answers included.</summary>
    public long Sent { get; private set; }

    /// <summary>Whether something that costs so much may be done now.</summary>
    public bool Allows(TimeSpan now, int bytes, UpkeepUrgency urgency)
    {
        Fill(now);
        double least = urgency switch
        {
            UpkeepUrgency.Now => Least,
            UpkeepUrgency.Soon => Least / 2,
            _ => 0,
        };
        return _bytes - bytes >= least;
    }

    /// <summary>How long something that costs so much, and waits for room, has to wait for it.</summary>
    public TimeSpan WaitFor(TimeSpan now, int bytes)
    {
        Fill(now);
        return TimeSpan.FromSeconds(Math.Max(0, (bytes - _bytes) / bytesPerSecond));
    }

    /// <summary>
    /// Takes bytes for something that is done now. Nobody owes more than may be borrowed, or a repair would
    /// wait the longer the more was done before it.
    /// </summary>
    public void Spend(TimeSpan now, int bytes)
    {
        Fill(now);
        _bytes = Math.Max(_bytes - bytes, Least);
    }

    /// <summary>
    /// Takes bytes for what is done with a period: from what has gathered alone, so that what can wait does,
    /// and nothing is left to pay before a repair.
    /// </summary>
    public void SpendGathered(TimeSpan now, int bytes)
    {
        Fill(now);
        _bytes = Math.Max(_bytes - bytes, Math.Min(_bytes, 0));
    }

    /// <summary>Takes the bytes where they may be spent now; false where that has to wait.</summary>
    public bool TrySpend(TimeSpan now, int bytes, UpkeepUrgency urgency)
    {
        bool isAllowed = Allows(now, bytes, urgency);
        Spend(now, isAllowed ? bytes : 0);
        return isAllowed;
    }

    public void NoteSent(int bytes) => Sent += bytes;

    private double Least => -(double)bytesPerSecond * BorrowedSecondsMax;

    private void Fill(TimeSpan now)
    {
        _bytes = Math.Min(
            (double)bytesPerSecond * GatheredSecondsMax,
            _bytes + ((now - _filledAt).TotalSeconds * bytesPerSecond));
        _filledAt = now;
    }
}
