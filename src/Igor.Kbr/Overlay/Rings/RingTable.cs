using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire.Messages;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// The services that applications here take part in, the base overlay among them. Takes subscriptions and
/// news of peers, keeps each ring's members and neighbour set, and tells applications and peers what changed.
/// </summary>
internal sealed class RingTable(NodeContext context)
{
    private readonly SortedDictionary<UInt128, ServiceRing> _rings = [];

    public IEnumerable<ServiceRing> All => _rings.Values;

    /// <summary>Raised after a ring's neighbour set changed.</summary>
    public Action<TimeSpan, ServiceRing, NeighbourChange> Changed { get; set; } = (_, _, _) => { };

    /// <summary>
    /// Whether the node must not act for a ring as if it were all of it; set by the node.
    /// </summary>
    public Func<TimeSpan, ServiceRing, bool> IsAloneIn { get; set; } = (_, _) => false;

    public bool TryGet(ServiceId id, [NotNullWhen(true)] out ServiceRing? ring) =>
        _rings.TryGetValue(id.Value, out ring);

    public ServiceRing GetOrAdd(TimeSpan now, ServiceId id, string name)
    {
        if (!_rings.TryGetValue(id.Value, out ServiceRing? ring))
        {
            ring = new ServiceRing(id, name, context.Id);
            _rings.Add(id.Value, ring);
            Refresh(now, ring);
        }

        return ring;
    }

    public void Remove(ServiceRing ring) => _rings.Remove(ring.Id.Value);

    /// <summary>Whether a peer is a neighbour of this node in any service.</summary>
    public bool IsNeighbour(Peer peer)
    {
        foreach (ServiceRing ring in _rings.Values)
        {
            if (ring.Neighbours.Clockwise.Contains(peer.Id)
                || ring.Neighbours.CounterClockwise.Contains(peer.Id))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// What this node tells peers that it runs: the base overlay, whose id is the lowest, and no more than
    /// they accept, since they would drop a node that names more.
    /// </summary>
    public ImmutableArray<ServiceName> ActiveServices() =>
    [
        .. _rings.Values
            .Where(r => r.IsActive)
            .Take(WireLimits.ServicesMax)
            .Select(r => new ServiceName(r.Id, r.Name)),
    ];

    /// <summary>
    /// Takes stock of the rings that a peer has come to or gone from: of those alone, or a peer with many
    /// services would cost all rings of this node each time it says something.
    /// </summary>
    public void RefreshAffected(
        TimeSpan now,
        ImmutableArray<ServiceName> before,
        ImmutableArray<ServiceName> after,
        Key departed = default,
        DepartureReason reason = DepartureReason.Displaced)
    {
        foreach (ServiceRing ring in _rings.Values.ToArray())
        {
            if (before.Any(s => s.Id == ring.Id) != after.Any(s => s.Id == ring.Id))
            {
                Refresh(now, ring, departed, reason);
            }
        }
    }

    public void Refresh(
        TimeSpan now,
        ServiceRing ring,
        Key departed = default,
        DepartureReason reason = DepartureReason.Displaced)
    {
        NeighbourChange? change = ring.Refresh(
            context.Peers,
            context.Options.NeighboursPerSide,
            () => IsAloneIn(now, ring),
            id => WhyGone(ring.Id, id, departed, reason));
        if (change is not null)
        {
            context.Output.UpdateNeighbours(ring.Id, change);
            Changed(now, ring, change);
        }
    }

    /// <summary>Grows with every announcement.</summary>
    public ulong ServicesVersion { get; private set; } = 1;

    /// <summary>Tells all peers that this node runs other services than before.</summary>
    public void Announce()
    {
        ServicesVersion++;
        foreach (Peer peer in context.Peers.All)
        {
            Announce(peer);
        }
    }

    /// <summary>Tells one peer which services this node runs now.</summary>
    public void Announce(Peer peer) =>
        context.Send(peer, new ServicesMessage(ServicesVersion, ActiveServices()));

    private DepartureReason WhyGone(ServiceId service, Key id, Key departed, DepartureReason reason)
    {
        if (id == departed)
        {
            return reason;
        }

        return context.Peers.TryGet(id, out Peer? peer) && !peer.Runs(service)
            ? DepartureReason.Left
            : DepartureReason.Displaced;
    }
}
