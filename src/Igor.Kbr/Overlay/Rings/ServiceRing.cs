using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

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

    /// <summary>Asking the nearest members whether none is nearer.</summary>
    Verifying,

    /// <summary>Announced: a root of keys.</summary>
    Active,
}

/// <summary>What this node knows of one service, and its own part in it.</summary>
internal sealed class ServiceRing(ServiceId id, string name, Key self)
{
    /// <summary>A member may be wrong for seconds about one that died or came; pauses grow.</summary>
    private const int DoubtsMax = 4;

    private const int PassedOverMax = 2;

    // How often a member's word was what kept this node from its place.
    private readonly Dictionary<Key, int> _doubts = [];
    private bool _areNearestChanged;

    public ServiceId Id { get; } = id;

    public string Name { get; } = name;

    /// <summary>Whether an application here is, or wants to be, a member.</summary>
    public bool HasMember { get; set; }

    public int Clients { get; set; }

    public bool WantsForward { get; set; }

    public RingPhase Phase { get; set; } = RingPhase.Outside;

    public bool IsActive => Phase == RingPhase.Active;

    /// <summary>The connected peers that run the service and have a place in it.</summary>
    public MemberTable Members { get; } = new(self);

    public NeighbourSet Neighbours { get; private set; } = NeighbourSet.Alone(self, isMember: false);

    /// <summary>When joining began, and how often it was begun anew.</summary>
    public TimeSpan JoinStarted { get; set; }

    public int JoinAttempts { get; set; }

    public TimeSpan StepDeadline { get; set; }

    public TimeSpan PausedUntil { get; set; }

    /// <summary>The nodes whose connection the joining node waits for.</summary>
    public List<Key> Awaited { get; set; } = [];

    /// <summary>Those nearer than any member that is connected, whom the joining node cannot reach.</summary>
    public ImmutableArray<Contact> Lacking { get; set; } = [];

    /// <summary>When members were last searched for; null for never.</summary>
    public TimeSpan? DiscoveredAt { get; set; }

    /// <summary>The key whose root in the base overlay knows members of every ring of the service.</summary>
    public Key MeetingKey { get; } = new((ulong)(id.Value >> 64), (ulong)id.Value, 0, 0);

    /// <summary>That root as last looked up, while this node has to do with it.</summary>
    public Key? MeetingPlace { get; set; }

    /// <summary>Who answered the last question for the neighbours of this node's own id.</summary>
    public Key? LastRoot { get; set; }

    /// <summary>Questions for its neighbours since joining began.</summary>
    public int Lookups { get; set; }

    /// <summary>How often it then went to nearer ones that were named to it.</summary>
    public int StepsSinceLookup { get; set; }

    /// <summary>The node looks for its place, also one that had it.</summary>
    public void BeginJoining(TimeSpan now)
    {
        Phase = RingPhase.Seeking;
        JoinStarted = now;
        PausedUntil = now;
        ForgetJoining();
    }

    /// <summary>Nothing of a joining that is over is kept.</summary>
    public void ForgetJoining()
    {
        JoinAttempts = 0;
        Lookups = 0;
        StepsSinceLookup = 0;
        LastRoot = null;
        Awaited = [];
        Lacking = [];
        _doubts.Clear();
    }

    /// <summary>A member refused to confirm this place, or named others that cannot be reached.</summary>
    public void Doubt(Key member) => _doubts[member] = _doubts.GetValueOrDefault(member) + 1;

    /// <summary>
    /// The nearest of one side whose word counts. Some are passed over, but never all, nor many: those
    /// who say the same may be right.
    /// </summary>
    public Key FirstTrusted(ImmutableArray<Key> side)
    {
        int most = Math.Min(PassedOverMax, side.Length - 1);
        int passed = 0;
        while (passed < most && _doubts.GetValueOrDefault(side[passed]) >= DoubtsMax)
        {
            passed++;
        }

        return side[passed];
    }

    /// <summary>The neighbour set as it is compared with those of others.</summary>
    public RingTerms Terms { get; set; } = RingTerms.None;

    /// <summary>Short terms of members that are connected, so that nobody names them to this node.</summary>
    public ImmutableArray<uint> MemberTerms() =>
        [.. Members.All.Take(WireLimits.TermsMax).Select(m => RingTerms.Short(RingTerms.Term(Id, m.Id)))];

    public TimeSpan ChangedAt { get; set; }

    /// <summary>
    /// Lets a peer in that is connected, runs the service and has its place, and takes another one out;
    /// returns whether that changed the members.
    /// </summary>
    public bool Place(Peer peer, bool isIn, int perSide)
    {
        if (!(isIn ? Members.Add(peer) : Members.Remove(peer)))
        {
            return false;
        }

        _areNearestChanged |= Members.IsAmongNearest(peer.Id, perSide);
        return true;
    }

    /// <summary>
    /// Forms the neighbour set anew where it may be another: the members nearby changed, or what this node is
    /// in the ring. Returns what changed, or null when nothing did.
    /// </summary>
    public NeighbourChange? Refresh(int perSide, bool isAlone, Func<Key, DepartureReason> whyGone)
    {
        NeighbourSet before = Neighbours;
        bool isSame = before.IsMember == IsActive && before.IsAlone == isAlone;
        if (isSame && !_areNearestChanged)
        {
            return null;
        }

        _areNearestChanged = false;
        int side = Math.Min(perSide, Members.Count);
        var clockwise = ImmutableArray.CreateBuilder<Key>(side);
        var counter = ImmutableArray.CreateBuilder<Key>(side);
        for (int i = 0; i < side; i++)
        {
            clockwise.Add(Members.Clockwise(i).Id);
            counter.Add(Members.CounterClockwise(i).Id);
        }

        if (isSame
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
            isAlone);
        return new NeighbourChange(
            Neighbours,
            [.. Neighbours.Others.Where(id => !before.Contains(id))],
            [
                .. before.Others.Where(id => !Neighbours.Contains(id))
                    .Select(id => new Departure(id, whyGone(id))),
            ]);
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
