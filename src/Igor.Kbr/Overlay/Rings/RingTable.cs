using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
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
    private readonly Dictionary<ServiceId, ServiceRing> _byId = [];
    private readonly PerPeer<bool> _barred;

    private readonly PerPeer<int> _neighbourIn; // in how many rings

    public RingTable(NodeContext context, AwayMembers away)
    {
        _context = context;
        _barred = new PerPeer<bool>(context.Peers, () => false);
        _neighbourIn = new PerPeer<int>(context.Peers, () => 0);
        Solitude = new Solitude(context, this, away);
        Pairs = new PairDigests(context.Peers);
        Base = new ServiceRing(ServiceId.Base, string.Empty, context.Id);
        _byId.Add(ServiceId.Base, Base);
        All = [Base];
    }

    /// <summary>The ring of all.</summary>
    public ServiceRing Base { get; }

    /// <summary>Whether this node may act as a ring of its own.</summary>
    public Solitude Solitude { get; }

    /// <summary>What this node and each neighbour are to each other over all rings.</summary>
    public PairDigests Pairs { get; }

    /// <summary>The rings that this node is in, by version.</summary>
    public OwnServices Own { get; } = new();

    /// <summary>Whether a member of the ring is connected.</summary>
    public bool IsInRing => Base.Members.Count > 0;

    /// <summary>All rings in the order of their ids, the base overlay's first, as they are now.</summary>
    public ImmutableArray<ServiceRing> All { get; private set; }

    public bool TryGet(ServiceId id, [NotNullWhen(true)] out ServiceRing? ring) =>
        _byId.TryGetValue(id, out ring);

    /// <summary>A service's name where somebody here named it; else its id.</summary>
    public string NameOf(ServiceId id) => TryGet(id, out ServiceRing? ring) ? ring.Name : id.ToString();

    public ServiceRing GetOrAdd(TimeSpan now, ServiceId id, string name)
    {
        if (!TryGet(id, out ServiceRing? ring))
        {
            ring = new ServiceRing(id, name, _context.Id);
            _byId.Add(id, ring);
            All = All.Insert(All.Count(one => one.Id.Value < id.Value), ring);
            _context.Peers.All.ForEach(peer => Place(ring, peer));
            Refresh(now, ring);
        }

        return ring;
    }

    public void Remove(ServiceRing ring)
    {
        if (_byId.Remove(ring.Id))
        {
            All = All.Remove(ring);
            Count(ring.Neighbours.Others, -1);
        }
    }

    /// <summary>
    /// The services that a hello lists: all that there are, where those are few. A node that is alone does
    /// not know yet whether its place is another's, and tells when it is asked.
    /// </summary>
    public ImmutableArray<ServiceId> Listed => Own.Count > HelloMessage.ServicesListedMax
        || (Base.IsActive && Solitude.IsAlone) ? default : Own.All;

    /// <summary>At that time it is sure that who comes is of this node's own ring.</summary>
    public TimeSpan? VouchedAt { get; set; }

    /// <summary>
    /// A peer has come. Where this node was all there was of a ring, and either end looked for one, it is no
    /// member any more until its place beside the others is confirmed.
    /// </summary>
    public override void HandlePeerUp(TimeSpan now, Peer peer) => Place(now, peer, hasCome: true);

    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason) =>
        Place(now, peer, reason: reason);

    public override void HandleServicesChanged(
        TimeSpan now, Peer peer, List<ServiceId> changed) =>
        Place(now, peer, changed, DepartureReason.Left);

    public bool IsBarred(Peer peer) => _barred[peer];

    /// <summary>Whether members without a place are connected: the ring may be theirs.</summary>
    public bool KnowsBarred => _context.Peers.All.Exists(p => IsBarred(p) && p.JoinsRing);

    /// <summary>A peer that has just come has no place, because of what it did before.</summary>
    public void BarAtOnce(Peer peer) => _barred[peer] = true;

    /// <summary>Takes a peer's places, as if it had died.</summary>
    public void Bar(TimeSpan now, Peer peer)
    {
        _barred[peer] = true;
        Place(now, peer, reason: DepartureReason.Failed);
        _context.Machines.Each(machine => machine.HandlePlaceChanged(now, peer));
    }

    public void Readmit(TimeSpan now, Peer peer)
    {
        _barred[peer] = false;
        Place(now, peer);
        _context.Machines.Each(machine => machine.HandlePlaceChanged(now, peer));
    }

    public bool IsNeighbour(Peer peer) => PlacesOf(peer) > 0;

    public int PlacesOf(Peer peer) => _neighbourIn[peer];

    public void Refresh(
        TimeSpan now,
        ServiceRing ring,
        Key departed = default,
        DepartureReason reason = DepartureReason.Displaced)
    {
        NeighbourChange? change = ring.Refresh(
            _context.Options.NeighboursPerSide,
            Solitude.IsAlone,
            id => id == departed ? reason : DepartureReason.Displaced);
        if (change is not null)
        {
            Count(change.Joined, 1);
            Count(change.Departed.Select(gone => gone.Id), -1);
            RingTerms before = ring.Terms;
            ring.Terms = RingTerms.Of(ring.Id, change.Neighbours, _context.Options.NeighboursPerSide);
            ring.ChangedAt = now;
            Pairs.Replace(before, ring.Terms);
            try
            {
                _context.Output.UpdateNeighbours(ring.Id, change);
            }
            finally
            {
                _context.Machines.Each(machine => machine.HandleRingChanged(now, ring.Id, change));
            }
        }
    }

    /// <summary>Where nodes are of which each is connected, or this one; others are left out.</summary>
    public ImmutableArray<Contact> Contacts(IEnumerable<Key> ids)
    {
        var contacts = ImmutableArray.CreateBuilder<Contact>();
        foreach (Key id in ids)
        {
            if (id == _context.Id)
            {
                contacts.Add(new Contact(id, [.. _context.Options.Addresses]));
            }
            else if (_context.Peers.TryGet(id, out Peer? peer))
            {
                contacts.Add(peer.Contact);
            }
        }

        return contacts.ToImmutable();
    }

    /// <summary>
    /// A peer has come, gone, or says that it runs other services than before: it gets its place in the rings
    /// that this changes, and loses it in others. Costs what it says, whatever this node and others run.
    /// </summary>
    private void Place(
        TimeSpan now,
        Peer peer,
        IEnumerable<ServiceId>? changed = null,
        DepartureReason reason = DepartureReason.Displaced,
        bool hasCome = false)
    {
        peer.Services.ShareWith(_context.Peers.All.FirstOrDefault(peer).Services);
        Exception? fault = null; // of the host; the other rings have to know all the same
        foreach (ServiceId service in changed ?? peer.Services.InOrder)
        {
            if (!TryGet(service, out ServiceRing? ring) || !Place(ring, peer))
            {
                continue;
            }

            if (hasCome && IsFirst(ring, peer) && now != VouchedAt
                && (peer.WasDialled || peer.Link.Purpose == LinkPurpose.Entry || ring.Neighbours.IsAlone))
            {
                JoinAnew(now, ring);
            }

            try
            {
                Refresh(now, ring, peer.Id, reason);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                fault ??= e;
            }
        }

        if (fault is not null)
        {
            ExceptionDispatchInfo.Throw(fault);
        }
    }

    /// <summary>Whether a peer is the only other member of a ring that this node is in.</summary>
    public static bool IsFirst(ServiceRing ring, Peer peer) =>
        ring.IsActive && ring.Members.Count == 1 && ring.Members[0] == peer;

    /// <summary>The ring that was this node's is part of another; so are its services' then.</summary>
    public void JoinAnew(TimeSpan now, ServiceRing ring)
    {
        ring.BeginJoining(now);
        Refresh(now, ring);
        foreach (ServiceRing other in All)
        {
            if (ring == Base && other.IsActive && other.Members.Count == 0)
            {
                JoinAnew(now, other);
            }
        }
    }

    /// <summary>Whoever takes no part in the ring runs no service in it, whatever it says.</summary>
    private bool Place(ServiceRing ring, Peer peer)
    {
        bool isIn = peer.JoinsRing && !IsBarred(peer) && peer.Runs(ring.Id)
            && _context.Peers.IsConnected(peer);
        return ring.Place(peer, isIn, _context.Options.NeighboursPerSide);
    }

    /// <summary>Of a peer that is gone nothing is kept.</summary>
    private void Count(IEnumerable<Key> neighbours, int more)
    {
        foreach (Key id in neighbours)
        {
            if (_context.Peers.TryGet(id, out Peer? peer))
            {
                _neighbourIn[peer] += more;
            }
        }
    }
}
