using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// Of many rings that are joined at once each waits until the budget has room for it: all peers are told of
/// each. A node that joins a few waits for nothing.
/// </summary>
internal sealed class Admission(NodeContext context, RingTable rings, ServiceNews news)
{
    /// <summary>What it costs to find members where none is connected.</summary>
    private const int FindBytes = 600;

    /// <summary>What it costs to ask for the place.</summary>
    private const int PlaceBytes = 200;

    /// <summary>Seconds of the budget that may be used up at once.</summary>
    private const int BurstSeconds = 150;

    /// <summary>Rings that wait go on together, so that few frames tell of them.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(8);

    /// <summary>What joining uses of the budget: what is owed for connections delays no ring.</summary>
    private readonly TokenBucket _pace = new(
        context.Options.UpkeepBytesPerSecond, BurstSeconds * context.Options.UpkeepBytesPerSecond);

    private bool _areMany;
    private bool _isOpen;
    private TimeSpan _openAgainAt;
    private int _tellBytes;

    /// <summary>All rings are gone through now.</summary>
    public void Begin(TimeSpan now)
    {
        _areMany = rings.AreManyJoining;
        _tellBytes = _areMany ? news.CountToldOfAll * ServiceId.SizeInBytes : 0;
        _isOpen = !_areMany || now >= _openAgainAt;
    }

    /// <summary>Whether a ring may be joined now.</summary>
    public bool Admits(TimeSpan now, ServiceRing ring)
    {
        if (_isOpen && !ring.IsAdmitted && _areMany && !_pace.HasOne(now))
        {
            _isOpen = false;
            _openAgainAt = now + Period;
        }

        if (_isOpen && !ring.IsAdmitted)
        {
            int bytes = PlaceBytes + _tellBytes + (ring.Members.Count == 0 ? FindBytes : 0);
            context.Budget.Spend(now, bytes);
            _pace.Take(now, bytes);
            ring.IsAdmitted = true;
            ring.JoinStarted = now;
        }

        return ring.IsAdmitted;
    }
}
