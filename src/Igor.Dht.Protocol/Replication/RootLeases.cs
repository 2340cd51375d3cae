using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// The leases under which a root answers reads alone (Gray and Cheriton, 1989): asked for when there are
/// reads or writes, of all replicas at once and for all keys that they share with this root, and renewed for
/// a while. An idle root has none, and its first read asks the replicas.
/// </summary>
internal sealed class RootLeases(
    ReplicaContext context, RootKnowledge root, Allegiance allegiance, RepairSchedule repair) : IReplyHandler
{
    /// <summary>
    /// Of a lease that was granted, what two clocks whose rates differ by 1% each leave to its holder.
    /// </summary>
    private const double Counted = 0.98;

    private static readonly TimeSpan RenewAfter = Allegiance.LeaseMax / 2;

    /// <summary>How long leases are kept that nobody uses: reads every now and then need no round.</summary>
    private static readonly TimeSpan KeepFor = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    private readonly Dictionary<int, (PeerKnowledge Peer, TimeSpan SentAt)> _open = [];
    private TimeSpan _askedAt = TimeSpan.MinValue / 2;
    private TimeSpan? _keepUntil;
    private int _lastTag;
    private bool _isOver;

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline => _isOver || !(_askedAt + RenewAfter <= _keepUntil)
        ? null
        : _askedAt + RenewAfter;

    /// <summary>
    /// Whether a settled key may be read from this node alone. Asks for leases where there are none.
    /// </summary>
    public bool TryHold(Key key)
    {
        Want();
        return !_isOver && root.IsLeased(key);
    }

    /// <summary>There are reads or writes: leases are wanted.</summary>
    public void Want()
    {
        _keepUntil = context.Now.Monotonic + KeepFor;
        HandleDeadline();
    }

    /// <summary>The deadline may have passed: asks for renewal.</summary>
    public void HandleDeadline()
    {
        TimeSpan now = context.Now.Monotonic;
        if (!_isOver && now >= _askedAt + RenewAfter && _askedAt + RenewAfter <= _keepUntil)
        {
            _askedAt = now;
            AskAll(Allegiance.LeaseMax);
        }
    }

    /// <summary>
    /// The ring changed: what others are the root of now is not to wait until a lease of this node ends.
    /// </summary>
    public void HandleUpdate()
    {
        if (_askedAt + Allegiance.LeaseMax > context.Now.Monotonic)
        {
            AskAll(_isOver ? TimeSpan.Zero : Allegiance.LeaseMax);
        }
    }

    /// <summary>This node is about to leave: it answers alone no more, and gives its leases back.</summary>
    public void Release()
    {
        if (!_isOver)
        {
            _isOver = true;
            AskAll(TimeSpan.Zero);
        }
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        _open.Remove(tag, out (PeerKnowledge Peer, TimeSpan SentAt) asked);
        if (asked.Peer.Asking != tag)
        {
            return; // asked again meanwhile
        }

        asked.Peer.Asking = 0;
        if (!_isOver && reply.Status == KbrStatus.Ok && root.PeerOf(asked.Peer.Id) == asked.Peer
            && Decoding.TryRead(
                reply.Payload, MessageKind.Following, SyncMessages.ReadFollowing, out var following))
        {
            ArcSet granted = following.Granted;
            granted.Keep(root.Shared(asked.Peer, Neighbourhood.Replicas));
            TimeSpan until = asked.SentAt + (Allegiance.LeaseMax * Counted);
            if (!root.HandleLease(asked.Peer, following.Term, granted, until))
            {
                repair.HandleUnheard(asked.Peer);
            }
        }
    }

    private void AskAll(TimeSpan lease)
    {
        TimeSpan now = context.Now.Monotonic;
        bool hasLost = false;
        if (context.Membership.RootArc is { } arc)
        {
            ArcSet asked = lease > TimeSpan.Zero ? ArcSet.Of(arc) : new ArcSet();
            (_, ArcSet own) = allegiance.Follow(context.Membership.Self, asked, lease);
            root.HandleLease(null, 0, own, now + (lease * Counted));
        }

        foreach (PeerKnowledge peer in root.Peers)
        {
            ArcSet asked = lease > TimeSpan.Zero ? root.Shared(peer, Neighbourhood.Replicas) : new ArcSet();
            bool isSmaller = !Covers(asked, peer.Leased);
            if (peer.Asking != 0 && !isSmaller && lease > TimeSpan.Zero)
            {
                continue; // an answer is under way
            }

            // Whoever is asked anew gives up what it granted before, whether it answers or not.
            hasLost |= isSmaller;
            peer.Leased.Keep(asked);
            if (!asked.IsEmpty || peer.LeasedUntil > now)
            {
                peer.Asking = ++_lastTag;
                _open.Add(_lastTag, (peer, now));
                SyncMessages.WriteFollow(context.Buffer, lease, asked);
                context.Request(this, _lastTag, peer.Id, exact: true, Timeout);
            }
        }

        if (hasLost)
        {
            root.HandleLeasesLost();
        }
    }

    private static bool Covers(ArcSet arcs, ArcSet others)
    {
        ArcSet rest = others.Copy();
        rest.Remove(arcs);
        return rest.IsEmpty;
    }
}
