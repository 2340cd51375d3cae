using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Machines;

/// <summary>
/// One concern of a node: links, rings, fingers, routing and so on. All machines of a node have these few
/// inputs and stand in one ordered list (<see cref="MachineList"/>), along which each input is passed. A
/// machine owns its state, also what it keeps for each peer (<see cref="PerPeer{T}"/>); what it needs of
/// another one comes through its constructor.
/// </summary>
internal abstract class Machine
{
    /// <summary>The types of messages that this machine handles; no other one does.</summary>
    public virtual ReadOnlySpan<MessageType> Messages => [];

    public virtual void Start(TimeSpan now)
    {
    }

    public virtual void HandlePeerUp(TimeSpan now, Peer peer)
    {
    }

    /// <summary>A peer is gone; what is kept for it is forgotten after this.</summary>
    public virtual void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason)
    {
    }

    /// <summary>A peer runs services that it did not, or no more those that it did.</summary>
    public virtual void HandleServicesChanged(TimeSpan now, Peer peer, List<ServiceId> changed)
    {
    }

    /// <summary>The neighbour set of this node in a service changed.</summary>
    public virtual void HandleRingChanged(TimeSpan now, ServiceId service, NeighbourChange change)
    {
    }

    /// <summary>A peer lost its places in all rings, or has them again.</summary>
    public virtual void HandlePlaceChanged(TimeSpan now, Peer peer)
    {
    }

    /// <summary>Frames to a peer go over another link than before; what was on its way may be lost.</summary>
    public virtual void HandleLinkSwitched(TimeSpan now, Peer peer)
    {
    }

    /// <summary>A request found no member of a service to go to.</summary>
    public virtual void HandleMemberMissed(TimeSpan now, ServiceId service)
    {
    }

    /// <summary>A connection was opened or closed, or an attempt to open one failed.</summary>
    public virtual void HandleLinksChanged(TimeSpan now)
    {
    }

    /// <summary>
    /// A message of one of <see cref="Messages"/> came. To be decoded (<see cref="Frame.Read{TMessage}"/>)
    /// before anything is done: what fails there is the peer's fault, what fails later is this node's.
    /// </summary>
    public virtual void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
    }
}

/// <summary>
/// A machine that has deadlines of its own, for what is too frequent or too many for timers. Those that have
/// none are not asked for any: a node's deadline would find all of them cold, thousands of times a second in
/// a simulation.
/// </summary>
internal abstract class TimedMachine : Machine
{
    /// <summary>When <see cref="HandleDeadline"/> wants to be called; null for never.</summary>
    public virtual TimeSpan? NextDeadline => null;

    /// <summary>Some deadline has passed, perhaps this machine's, or a timer's.</summary>
    public abstract void HandleDeadline(TimeSpan now);
}
