using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// Fills empty slots of the finger table by asking the ring for a random place in them. With long links a
/// message takes a number of hops logarithmic in the size of the ring.
/// </summary>
internal sealed class Fingers(
    NodeContext context,
    RingTable rings,
    FingerTable fingers,
    Dialer dialer,
    NeighbourLookup lookup) : Machine
{
    private const int LookupsPerRound = 4;

    /// <summary>Nodes that one lookup names: more cost more at each hop, and one is taken.</summary>
    private const int CandidatesMax = 2;

    private static readonly TimeSpan FirstRounds = TimeSpan.FromMilliseconds(500);

    private const int FilledBytes = UpkeepBudget.LookupBytes + UpkeepBudget.ConnectionBytes;

    private int _cursor;
    private TimeSpan _pause = FirstRounds;

    public override void Start(TimeSpan now)
    {
        if (context.Options.JoinsRing)
        {
            context.Timers.Repeat(
                now, () => context.Random.Jitter(_pause), later => _pause = RunRound(later));
        }
    }

    /// <summary>
    /// Returns when to go on: soon where empty slots are left that were not asked for in this round, and not
    /// before something may be spent on them.
    /// </summary>
    private TimeSpan RunRound(TimeSpan now)
    {
        if (!rings.Base.IsActive)
        {
            return FirstRounds;
        }

        TimeSpan wait = context.Budget.WaitFor(now, FilledBytes);
        if (rings.Base.Neighbours.IsWholeRing || wait > context.Options.FingerPeriod)
        {
            return context.Options.FingerPeriod;
        }

        if (wait > TimeSpan.Zero)
        {
            return wait > FirstRounds ? wait : FirstRounds;
        }

        List<FingerSlot> empty = fingers.Empty();
        int asked = 0;
        while (asked < Math.Min(LookupsPerRound, empty.Count)
            && context.Budget.Allows(now, FilledBytes, UpkeepUrgency.Later))
        {
            context.Budget.Spend(now, UpkeepBudget.LookupBytes);
            LookUp(now, empty[(_cursor + asked++) % empty.Count]);
        }

        bool wasLast = _cursor + asked >= empty.Count;
        _cursor = wasLast ? 0 : _cursor + asked;
        return wasLast ? context.Options.FingerPeriod : FirstRounds;
    }

    private void LookUp(TimeSpan now, FingerSlot slot)
    {
        Key width = Key.PowerOfTwo(slot.Exponent);
        Key offset = width + (context.Random.NextKey() & (width - new Key(0, 0, 0, 1)));
        Key aim = slot.IsClockwise ? context.Id + offset : context.Id - offset;
        var query = new NearQuery(CandidatesMax, []);
        lookup.Run(now, ServiceId.Base, aim, RouteFlags.ExcludeSource, query, (later, result) =>
            HandleLookup(later, slot, result));
    }

    private void HandleLookup(TimeSpan now, FingerSlot slot, RequestResult result)
    {
        // One of them at random: who has the largest gap before it would be chosen most otherwise.
        IEnumerable<Contact> near = result.Near ?? [];
        Contact[] fitting = [.. near.Where(c => c.Id != context.Id && fingers.SlotOf(c.Id) == slot)];
        context.Random.Shuffle(fitting);
        foreach (Contact contact in fitting)
        {
            if (dialer.TryDial(now, contact, LinkPurpose.Finger, result.Teller))
            {
                return;
            }
        }
    }
}
