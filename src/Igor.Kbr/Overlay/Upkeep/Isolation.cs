using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// How the node stands to the ring. While it is alone (<see cref="Solitude"/>) its applications are told, and
/// so is the operator. Emits the events that say so.
/// </summary>
internal sealed class Isolation(NodeContext context, RingTable rings, EntryPoints entries) : TimedMachine
{
    private RingState _told = RingState.Joining;
    private bool _isPatient = true;
    private bool _isReviewing;

    public RingStanding Standing => State switch
    {
        RingState.Alone => RingStanding.Alone(entries.WhyNobody()),
        RingState.Joining => new(RingState.Joining, WhyNotYet()),
        RingState state => new(state, string.Empty),
    };

    /// <summary>What keeps the node from doing all that it is there for.</summary>
    public IEnumerable<Trouble> Troubles => Standing switch
    {
        { State: RingState.Joining } joining =>
            [new Trouble(TroubleKinds.Joining, $"the node has not joined the network yet: {joining.Reason}")],
        { State: RingState.Alone } alone when !context.Options.JoinsRing =>
            [new Trouble(TroubleKinds.Alone, $"no member of the network is reached: {alone.Reason}")],
        { State: RingState.Alone } alone =>
            [new Trouble(
                TroubleKinds.Alone,
                $"this node is alone: {alone.Reason}; it goes on trying, and writes nothing by itself unless "
                + "it is started with --found")],
        _ => [],
    };

    private RingState State => (context.Options.JoinsRing, rings.IsInRing) switch
    {
        (false, true) => RingState.Joined,
        (false, false) => _isPatient ? RingState.Joining : RingState.Alone,
        _ when !rings.Base.IsActive => RingState.Joining,
        (true, true) => RingState.Joined,
        _ => rings.Solitude.IsAlone ? RingState.Alone : RingState.Founded,
    };

    private string WhyNotYet() =>
        rings.Base.Lacking is [var first, ..]
            ? $"its place is not sure while a nearer member cannot be reached: {first.Id.ToShortString()} at "
                + string.Join(", ", first.Addresses)
            : entries.WhyNobody();

    public override void Start(TimeSpan now) =>
        context.Timers.Schedule(now + context.Options.JoinPatience, later =>
        {
            _isPatient = false;
            Review(later);
        });

    public override void HandlePeerUp(TimeSpan now, Peer peer) => Review(now);

    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason) => Review(now);

    public override void HandleServicesChanged(
        TimeSpan now, Peer peer, List<ServiceId> changed) => Review(now);

    public override void HandlePlaceChanged(TimeSpan now, Peer peer) => Review(now);

    /// <summary>What it waits for are the deadlines of others.</summary>
    public override void HandleDeadline(TimeSpan now)
    {
        if (_told != RingState.Joined || !rings.Solitude.IsProven)
        {
            Review(now);
        }
    }

    /// <summary>Something happened that may change how the node stands.</summary>
    public void Review(TimeSpan now)
    {
        rings.Solitude.ProveRing(now);
        if (!rings.IsInRing)
        {
            entries.Seek(now);
        }

        RingState state = State;
        if (state == _told || _isReviewing)
        {
            return;
        }

        _isReviewing = true;
        try
        {
            Become(now, state);
        }
        finally
        {
            _isReviewing = false;
        }
    }

    private void Become(TimeSpan now, RingState state)
    {
        _told = state;
        if (state == RingState.Alone)
        {
            context.Raise(OverlayEventKind.Alone, context.Id, entries.WhyNobody());
        }
        else if (state != RingState.Joining && context.Options.JoinsRing)
        {
            context.Raise(OverlayEventKind.Joined, context.Id, $"{rings.Base.Members.Count} peers");
        }

        foreach (ServiceRing ring in rings.All)
        {
            rings.Refresh(now, ring);
        }
    }
}
