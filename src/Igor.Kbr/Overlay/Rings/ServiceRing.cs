using System.Collections.Immutable;
using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Overlay.Rings;

/// <summary>How far a member has come in joining a ring.</summary>
internal enum RingPhase
{
    /// <summary>Not a member: there are only clients here.</summary>
    Outside,

    /// <summary>Looking for a member to join through.</summary>
    Seeking,

    /// <summary>Asking for the neighbours of its own id.</summary>
    LookingUp,

    /// <summary>Connecting to those neighbours.</summary>
    Connecting,

    /// <summary>Announced: a root of keys.</summary>
    Active,
}

/// <summary>What this node knows of one service, and its own part in it.</summary>
internal sealed class ServiceRing(ServiceId id, string name, Key self)
{
    public ServiceId Id { get; } = id;

    public string Name { get; } = name;

    /// <summary>Whether an application here is, or wants to be, a member.</summary>
    public bool HasMember { get; set; }

    public int Clients { get; set; }

    public bool WantsForward { get; set; }

    public RingPhase Phase { get; set; } = RingPhase.Outside;

    public bool IsActive => Phase == RingPhase.Active;

    /// <summary>The connected peers that run the service, in order of id.</summary>
    public List<Peer> Members { get; private set; } = [];

    public NeighbourSet Neighbours { get; private set; } = NeighbourSet.Alone(self, isMember: false);

    /// <summary>When joining began, and how often it was begun anew.</summary>
    public TimeSpan JoinStarted { get; set; }

    public int JoinAttempts { get; set; }

    public TimeSpan StepDeadline { get; set; }

    /// <summary>The nodes whose connection the joining node waits for.</summary>
    public List<Key> Awaited { get; set; } = [];

    /// <summary>When members were last searched for; null for never.</summary>
    public TimeSpan? DiscoveredAt { get; set; }

    /// <summary>The key whose root in the base overlay knows members of every ring of the service.</summary>
    public Key MeetingKey { get; } = new((ulong)(id.Value >> 64), (ulong)id.Value, 0, 0);

    /// <summary>That root as last looked up, while this node has to do with it.</summary>
    public Key? MeetingPlace { get; set; }

    /// <summary>
    /// Whether the node was alone and has met no member of this ring since: it may not act for it yet.
    /// </summary>
    public bool IsHeldAlone { get; set; }

    /// <summary>Whether an exchange is scheduled already.</summary>
    public bool IsExchangeScheduled { get; set; }

    /// <summary>Takes stock of the connected peers; returns what changed, or null when nothing did.</summary>
    public NeighbourChange? Refresh(
        PeerTable peers,
        int perSide,
        Predicate<Peer> isBarred,
        Func<bool> isAlone,
        Func<Key, DepartureReason> whyGone)
    {
        // Whoever takes no part in the ring runs no service in it, whatever it says.
        Members = peers.All.FindAll(p => p.JoinsRing && !isBarred(p) && p.Runs(Id));
        bool alone = isAlone();
        int count = Members.Count;
        int first = Members.FindIndex(p => p.Id > self);
        first = first < 0 ? 0 : first;
        int side = Math.Min(perSide, count);
        var clockwise = ImmutableArray.CreateBuilder<Key>(side);
        var counter = ImmutableArray.CreateBuilder<Key>(side);
        for (int i = 0; i < side; i++)
        {
            clockwise.Add(Members[(first + i) % count].Id);
            counter.Add(Members[(first + count - 1 - i) % count].Id);
        }

        NeighbourSet before = Neighbours;
        if (before.IsMember == IsActive && before.IsAlone == alone
            && before.Clockwise.SequenceEqual(clockwise)
            && before.CounterClockwise.SequenceEqual(counter))
        {
            return null;
        }

        Neighbours = new NeighbourSet(
            self,
            IsActive,
            clockwise.MoveToImmutable(),
            counter.MoveToImmutable(),
            before.Version + 1,
            alone);
        var old = before.Others.ToHashSet();
        var now = Neighbours.Others.ToHashSet();
        return new NeighbourChange(
            Neighbours,
            [.. Neighbours.Others.Where(id => !old.Contains(id))],
            [.. before.Others.Where(id => !now.Contains(id)).Select(id => new Departure(id, whyGone(id)))]);
    }

    /// <summary>Whether a node would be a neighbour if it were connected.</summary>
    public bool WouldBeNeighbour(Key id, int perSide)
    {
        if (id == self)
        {
            return false;
        }

        NeighbourSet set = Neighbours;
        return set.IsWholeRing && set.Count < 2 * perSide
            || set.Clockwise.Length < perSide
            || set.CounterClockwise.Length < perSide
            || id - self < set.Clockwise[^1] - self
            || self - id < self - set.CounterClockwise[^1];
    }
}
