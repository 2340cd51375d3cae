using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Peers;

/// <summary>
/// Addresses through which a ring may be found: those given at start, those known from an earlier run, and
/// those of peers that were lost. Tried hard while joining and slowly afterwards, so that rings that formed
/// apart, or were cut apart, find one another.
/// </summary>
internal sealed class EntryPoints(NodeContext context, Dialer dialer)
{
    private const int LostMax = 64;
    private static readonly TimeSpan JoiningPeriod = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LostPeriod = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan GivenPeriod = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LostFor = TimeSpan.FromHours(1);

    private readonly List<(Contact Contact, TimeSpan Since, TimeSpan ConnectedFor)> _lost = [];
    private readonly Dictionary<string, Key> _reached = [];

    /// <summary>Whether the node is in the ring and only looks for others; set by the node.</summary>
    public Func<bool> IsSettled { get; set; } = () => true;

    /// <summary>Whether a peer is, or was until it was lost, a neighbour; set by the node.</summary>
    public Func<Peer, bool> IsNeighbour { get; set; } = _ => false;

    public void Start(TimeSpan now)
    {
        DialGiven(now);
        if (context.Options.Bootstrap.Count + context.Options.KnownPeers.Count > 0)
        {
            ScheduleGiven(now);
        }

        ScheduleLost(now);
    }

    /// <summary>A link was opened; its other end has proved its id.</summary>
    public void HandleOpened(Link link)
    {
        if (link is { IsOutbound: true, IsEntry: true } && IsGiven(link.RemoteAddress))
        {
            _reached[link.RemoteAddress] = link.PeerId;
        }
    }

    /// <summary>
    /// Remembers a lost neighbour or finger. When there are too many, that which was connected for the
    /// shortest time goes: ids made up to push the others out last no longer than they have to.
    /// </summary>
    public void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason)
    {
        if (reason != DepartureReason.Failed || peer.Addresses.IsEmpty || !peer.JoinsRing
            || !(peer.IsFinger || IsNeighbour(peer)))
        {
            return;
        }

        _lost.RemoveAll(l => l.Contact.Id == peer.Id);
        _lost.Add((peer.Contact, now, now - peer.ConnectedAt));
        if (_lost.Count > LostMax)
        {
            _lost.Remove(_lost.MinBy(l => l.ConnectedFor));
        }
    }

    /// <summary>A lost node is not at that address any more: another one answers there.</summary>
    public void HandleReplaced(Key id, string address)
    {
        int index = _lost.FindIndex(l => l.Contact.Id == id);
        if (index < 0)
        {
            return;
        }

        Contact contact = _lost[index].Contact;
        contact = contact with { Addresses = contact.Addresses.Remove(address) };
        _lost[index] = _lost[index] with { Contact = contact };
        _lost.RemoveAll(l => l.Contact.Addresses.IsEmpty);
    }

    private void ScheduleGiven(TimeSpan now)
    {
        TimeSpan period = IsSettled() ? GivenPeriod : JoiningPeriod;
        context.Timers.Schedule(now + context.Random.Jitter(period), later =>
        {
            DialGiven(later);
            ScheduleGiven(later);
        });
    }

    private void DialGiven(TimeSpan now)
    {
        bool isSettled = IsSettled();
        foreach (string address in context.Options.Bootstrap)
        {
            if (!IsConnected(address))
            {
                dialer.TryDial(now, new Dialer.Wish(address, null, IsEntry: true));
            }
        }

        foreach (string address in isSettled ? [] : context.Options.KnownPeers)
        {
            if (!IsConnected(address))
            {
                dialer.TryDial(now, new Dialer.Wish(address, null, IsEntry: true));
            }
        }
    }

    private void ScheduleLost(TimeSpan now) =>
        context.Timers.Schedule(now + context.Random.Jitter(LostPeriod), later =>
        {
            _lost.RemoveAll(l => later - l.Since > LostFor || context.Peers.Contains(l.Contact.Id));
            if (_lost.Count > 0)
            {
                Contact contact = _lost[context.Random.Next(_lost.Count)].Contact;
                string address = contact.Addresses[context.Random.Next(contact.Addresses.Length)];
                dialer.TryDial(later, new Dialer.Wish(address, contact.Id, IsEntry: true));
            }

            ScheduleLost(later);
        });

    private bool IsGiven(string address) =>
        context.Options.Bootstrap.Contains(address) || context.Options.KnownPeers.Contains(address);

    /// <summary>
    /// Whether the node that was reached at the address is connected. What addresses a peer says that it has
    /// does not count, since one that claims a bootstrap address would keep this node away from it.
    /// </summary>
    private bool IsConnected(string address) =>
        _reached.TryGetValue(address, out Key id) && context.Peers.Contains(id);
}
