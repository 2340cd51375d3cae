using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

using Igor.Kbr.Wire.Messages;
namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// The services that applications here take part in, the base overlay among them. Takes subscriptions and
/// news of peers, keeps each ring's members and neighbour set, and tells applications and peers what changed.
/// </summary>
internal sealed class RingTable : Machine
{
    private readonly NodeContext _context;
    private readonly SortedDictionary<UInt128, ServiceRing> _rings = [];
    private readonly PerPeer<bool> _barred;

    public RingTable(NodeContext context, AwayMembers away)
    {
        _context = context;
        _barred = new PerPeer<bool>(context.Peers, () => false);
        Solitude = new Solitude(context, this, away);
    }

    /// <summary>Whether this node may act as a ring of its own.</summary>
    public Solitude Solitude { get; }

    /// <summary>Whether a member of the ring is connected.</summary>
    public bool IsInRing => TryGet(ServiceId.Base, out ServiceRing? ring) && ring.Members.Count > 0;

    public IEnumerable<ServiceRing> All => _rings.Values;

    public bool TryGet(ServiceId id, [NotNullWhen(true)] out ServiceRing? ring) =>
        _rings.TryGetValue(id.Value, out ring);

    public ServiceRing GetOrAdd(TimeSpan now, ServiceId id, string name)
    {
        if (!_rings.TryGetValue(id.Value, out ServiceRing? ring))
        {
            ring = new ServiceRing(id, name, _context.Id);
            _rings.Add(id.Value, ring);
            Refresh(now, ring);
        }

        return ring;
    }

    public void Remove(ServiceRing ring) => _rings.Remove(ring.Id.Value);

    public override void HandlePeerUp(TimeSpan now, Peer peer) => RefreshAffected(now, [], peer.Services);

    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason) =>
        RefreshAffected(now, peer.Services, [], peer.Id, reason);

    public override void HandleServicesChanged(
        TimeSpan now, Peer peer, ImmutableArray<ServiceName> before) =>
        RefreshAffected(now, before, peer.Services);

    /// <summary>Whether a peer has no place in any ring, whatever it runs.</summary>
    public bool IsBarred(Peer peer) => _barred[peer];

    /// <summary>
    /// Whether members are connected that lost their place: they may be right, and the ring go on with them.
    /// </summary>
    public bool KnowsBarred => _context.Peers.All.Exists(p => IsBarred(p) && p.JoinsRing);

    /// <summary>A peer that has just come has no place, because of what it did before.</summary>
    public void BarAtOnce(Peer peer) => _barred[peer] = true;

    /// <summary>Takes a peer's places, as if it had died.</summary>
    public void Bar(TimeSpan now, Peer peer)
    {
        _barred[peer] = true;
        RefreshAffected(now, peer.Services, [], peer.Id, DepartureReason.Failed);
        _context.Machines.PlaceChanged(now, peer);
    }

    /// <summary>Gives a peer its places back.</summary>
    public void Readmit(TimeSpan now, Peer peer)
    {
        _barred[peer] = false;
        RefreshAffected(now, [], peer.Services);
        _context.Machines.PlaceChanged(now, peer);
    }

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
            _context.Peers,
            _context.Options.NeighboursPerSide,
            IsBarred,
            () => Solitude.IsAloneIn(now, ring),
            id => WhyGone(ring.Id, id, departed, reason));
        if (change is not null)
        {
            _context.Output.UpdateNeighbours(ring.Id, change);
            _context.Machines.RingChanged(now, ring.Id, change);
        }
    }

    /// <summary>Grows with every announcement.</summary>
    public ulong ServicesVersion { get; private set; } = 1;

    /// <summary>This node and its neighbours in a ring, itself first.</summary>
    public ImmutableArray<Contact> Contacts(ServiceRing ring)
    {
        var contacts = ImmutableArray.CreateBuilder<Contact>(ring.Neighbours.Count + 1);
        contacts.Add(new Contact(_context.Id, [.. _context.Options.Addresses]));
        foreach (Key id in ring.Neighbours.Others)
        {
            if (_context.Peers.TryGet(id, out Peer? peer))
            {
                contacts.Add(peer.Contact);
            }
        }

        return contacts.ToImmutable();
    }

    /// <summary>Tells all peers that this node runs other services than before.</summary>
    public void Announce()
    {
        ServicesVersion++;
        foreach (Peer peer in _context.Peers.All)
        {
            Announce(peer);
        }
    }

    /// <summary>Tells one peer which services this node runs now.</summary>
    public void Announce(Peer peer) =>
        _context.Send(peer, new ServicesMessage(ServicesVersion, ActiveServices()));

    private DepartureReason WhyGone(ServiceId service, Key id, Key departed, DepartureReason reason)
    {
        if (id == departed)
        {
            return reason;
        }

        return _context.Peers.TryGet(id, out Peer? peer) && !peer.Runs(service)
            ? DepartureReason.Left
            : DepartureReason.Displaced;
    }
}
