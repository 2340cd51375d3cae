using System.Collections.Immutable;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// From an authenticated link to a peer: both sides say hello, check network and version, and where two links
/// lead to the same peer, agree on one without talking about it. Emits peers that are up and peers that are
/// gone.
/// </summary>
internal sealed class Handshake
{
    private static readonly TimeSpan HelloTimeout = TimeSpan.FromSeconds(5);

    private readonly Dictionary<LinkId, Link> _links = [];
    private readonly NodeContext _context;
    private readonly RingTable _rings;
    private readonly Dialer _dialer;
    private readonly Standings _standings;
    private readonly SecondLinks _secondLinks;
    private readonly ulong _instance;

    public Handshake(NodeContext context, RingTable rings, Dialer dialer, Standings standings)
    {
        _context = context;
        _rings = rings;
        _dialer = dialer;
        _standings = standings;
        _secondLinks = new SecondLinks(context, standings, _links, Forget);
        _instance = context.Random.NextUInt64();
        Identity = new OwnIdentity(context, dialer, _instance);
        Duplicates = new Duplicates(context)
        {
            Close = Close,
            GiveUp = (now, peer) => Drop(now, peer, DepartureReason.Failed),
        };
    }

    /// <summary>Whether this node's identity is its own.</summary>
    public OwnIdentity Identity { get; }

    /// <summary>Peers of which two runs are there.</summary>
    public Duplicates Duplicates { get; }

    public Action<TimeSpan, Peer> PeerUp { get; set; } = (_, _) => { };

    public Action<TimeSpan, Peer, DepartureReason> PeerDown { get; set; } = (_, _, _) => { };

    /// <summary>A peer runs other services than before, which are named.</summary>
    public Action<TimeSpan, Peer, ImmutableArray<ServiceName>> ServicesChanged { get; set; } =
        (_, _, _) => { };

    /// <summary>At an address of a node there is another one now.</summary>
    public Action<Key, string> Replaced { get; set; } = (_, _) => { };

    /// <summary>The node at an address that this one dialled turned it away; why, for people.</summary>
    public Action<string, string> TurnedAway { get; set; } = (_, _) => { };

    public bool TryGet(LinkId id, out Link? link) => _links.TryGetValue(id, out link);

    public void HandleOpened(TimeSpan now, LinkId id, Key peerId, DialId? dial, string remoteAddress)
    {
        Dialer.Wish? wish = dial is { } d ? _dialer.HandleOpened(now, d, peerId) : null;
        if (wish is { Expected: { } expected } dialled && expected != peerId)
        {
            Replaced(expected, dialled.Address);
            if (_context.Peers.Contains(peerId))
            {
                _context.Output.Close(id);
                return;
            }
        }

        string address = wish?.Address ?? remoteAddress;
        var link = new Link(id, peerId, wish is not null, wish?.IsEntry ?? false, address)
        {
            ProvenAddress = remoteAddress,
        };
        _links.Add(id, link);
        SendHello(now, link);
        _context.Timers.Schedule(now + HelloTimeout, later =>
        {
            if (link.Peer is null && _links.Remove(id))
            {
                _context.Raise(OverlayEventKind.Refused, peerId, $"{address} did not say hello");
                NoteTurnedAway(later, link, "no hello in time");
                _context.Output.Close(id);
            }
        });
    }

    public void HandleHello(TimeSpan now, Link link, HelloMessage hello)
    {
        if (link.Peer is not null || link.IsContested)
        {
            return;
        }

        if (HelloCheck.ObjectionTo(_context.Options.Network, hello) is { } objection)
        {
            Refuse(now, link, objection);
            return;
        }

        if (link.PeerId == _context.Id)
        {
            HandleOwnHello(now, link, hello);
            return;
        }

        if (_context.Peers.TryGet(link.PeerId, out Peer? known))
        {
            HandleSecondHello(now, known, link, hello);
            return;
        }

        if (_context.Peers.Count >= _context.Options.PeersMax && !TryMakeRoom(now, link, hello))
        {
            Refuse(now, link, HelloCheck.Full);
            return;
        }

        var peer = new Peer(link.PeerId, link)
        {
            ConnectedAt = now,
            LastHeard = now,
            UnwantedSince = now,
            Instance = hello.Instance,
            Addresses = HelloCheck.UsableAddresses(hello, link, _context.Options.DialPrivate),
            JoinsRing = hello.JoinsRing,
            WasDialled = link.IsOutbound,
        };
        peer.TryUpdateServices(hello.ServicesVersion, hello.Services);
        link.Peer = peer;
        _context.Peers.Add(peer);
        _context.Raise(OverlayEventKind.PeerConnected, peer.Id, link.RemoteAddress);
        if (_rings.ServicesVersion != link.ToldServicesVersion)
        {
            _rings.Announce(peer);
        }

        PeerUp(now, peer);
    }

    /// <summary>A peer that is connected says hello on another link: the same run of it or not.</summary>
    private void HandleSecondHello(TimeSpan now, Peer known, Link link, HelloMessage hello)
    {
        if (known.Instance != hello.Instance)
        {
            Duplicates.HandleHello(now, known, link, hello);
            return;
        }

        _secondLinks.Merge(now, known, link);
        ImmutableArray<ServiceName> before = known.Services;
        if (known.TryUpdateServices(hello.ServicesVersion, hello.Services))
        {
            ServicesChanged(now, known, before);
        }
    }

    public void HandleGoodbye(TimeSpan now, Link link, GoodbyeReason reason, string text)
    {
        if (reason is GoodbyeReason.WrongNetwork or GoodbyeReason.WrongVersion or GoodbyeReason.Full
            or GoodbyeReason.Duplicate)
        {
            _context.Raise(
                OverlayEventKind.Refused, link.PeerId, $"{link.RemoteAddress} refused this node: {text}");
            NoteTurnedAway(now, link, $"refused ({text})");
        }
        else if (reason == GoodbyeReason.ProtocolError)
        {
            _context.Raise(
                OverlayEventKind.ProtocolError, link.PeerId, $"{link.RemoteAddress} complains: {text}");
        }

        if (link.Peer is { } peer
            && (peer.Link == link || reason is GoodbyeReason.Leaving or GoodbyeReason.Unneeded))
        {
            Drop(now, peer, reason switch
            {
                GoodbyeReason.Leaving => DepartureReason.Left,
                GoodbyeReason.Unneeded => DepartureReason.Displaced,
                _ => DepartureReason.Failed,
            });
        }
        else
        {
            Forget(link);
        }
    }

    public void HandleClosed(TimeSpan now, LinkId id)
    {
        if (!_links.Remove(id, out Link? link))
        {
            return;
        }

        if (link.Peer is { } peer && peer.Link == link)
        {
            HandleLinkDead(now, peer);
        }
    }

    /// <summary>
    /// The link to a peer broke or is silent: where there is another one the peer is not gone, it may have
    /// opened that because it found the first one dead.
    /// </summary>
    public void HandleLinkDead(TimeSpan now, Peer peer)
    {
        Link? other = _links.Values.Where(l => l.Peer == peer && l != peer.Link).MaxBy(l => l.Id.Value);
        if (other is null)
        {
            Drop(now, peer, DepartureReason.Failed);
            return;
        }

        Forget(peer.Link);
        peer.Link = other;
        peer.Silence.Forget(); // what was on its way may be lost
        other.IsDraining = false;
        _standings.Tell(other, peer);
        peer.NoteHeard(now);
    }

    /// <summary>A peer broke the protocol.</summary>
    public void HandleViolation(TimeSpan now, Link link, string rule)
    {
        _context.Raise(OverlayEventKind.ProtocolError, link.PeerId, $"{link.RemoteAddress}: {rule}");
        NoteTurnedAway(now, link, "no node of this protocol answers");
        _context.Send(link, new GoodbyeMessage(GoodbyeReason.ProtocolError, rule));
        if (link.Peer is { } peer && peer.Link == link)
        {
            Drop(now, peer, DepartureReason.Failed);
        }
        else
        {
            Forget(link);
        }
    }

    /// <summary>Closes all links to a peer and tells that it is gone.</summary>
    public void Drop(TimeSpan now, Peer peer, DepartureReason reason)
    {
        foreach (Link link in _links.Values.Where(l => l.Peer == peer).OrderBy(l => l.Id.Value).ToArray())
        {
            Forget(link);
        }

        _context.Peers.Remove(peer);
        _context.Raise(OverlayEventKind.PeerLost, peer.Id, $"{peer.Link.RemoteAddress}: {reason}");
        Duplicates.HandleGone(peer);
        PeerDown(now, peer, reason);
    }

    /// <summary>Says goodbye on every link and closes it.</summary>
    public void CloseAll(GoodbyeReason reason, string text)
    {
        foreach (Link link in _links.Values.OrderBy(l => l.Id.Value).ToArray())
        {
            _context.Send(link, new GoodbyeMessage(reason, text));
            Forget(link);
        }
    }

    /// <summary>
    /// A full node gives up the connection that neither side has needed for longest: everybody's first
    /// contact would be closed to newcomers otherwise. Where there is none, a stranger gives way, or clients
    /// could fill a node until its ring breaks there: one that claims no part in the ring before one that
    /// does, and of those the one that was silent longest. Never the newcomer for being new, since it shows
    /// what it is only later; but a client takes no place of one that may be in the ring.
    /// </summary>
    private bool TryMakeRoom(TimeSpan now, Link link, HelloMessage hello)
    {
        bool isClient = !hello.JoinsRing && !link.IsOutbound;
        Peer? spare = _context.Peers.All.Where(p => !p.IsWanted && !p.WantsUs).MinBy(p => p.UnwantedSince)
            ?? _context.Peers.All
                .Where(p => p.Standing != PeerStanding.Member && !p.IsFinger && !_rings.IsNeighbour(p))
                .Where(p => _context.Options.JoinsRing && !(isClient && p.JoinsRing))
                .OrderBy(p => p.JoinsRing)
                .ThenBy(p => p.Standing)
                .ThenBy(p => p.LastHeard)
                .FirstOrDefault();
        if (spare is null)
        {
            return false;
        }

        _context.Send(spare.Link, new GoodbyeMessage(GoodbyeReason.Unneeded, "room is needed for others"));
        Drop(now, spare, DepartureReason.Displaced);
        return true;
    }

    /// <summary>The other end has this node's own id: an address of its own leads there, or a copy.</summary>
    private void HandleOwnHello(TimeSpan now, Link link, HelloMessage hello)
    {
        if (Identity.IsSelf(now, link, hello))
        {
            if (link.IsOutbound)
            {
                _dialer.NoteOwn(now, link.RemoteAddress);
                TurnedAway(link.RemoteAddress, "only this node itself answers");
            }
        }
        else
        {
            NoteTurnedAway(now, link, "another node with this node's identity answers");
        }

        Forget(link);
    }

    private void Close(Link link, Duplicates.Farewell? farewell)
    {
        if (farewell is { } why)
        {
            _context.Send(link, new GoodbyeMessage(GoodbyeReason.Duplicate, why.Text, why.Addresses));
        }

        Forget(link);
    }

    private void Forget(Link link)
    {
        if (_links.Remove(link.Id))
        {
            _context.Output.Close(link.Id);
        }
    }

    private void SendHello(TimeSpan now, Link link)
    {
        var hello = new HelloMessage
        {
            Network = _context.Options.Network,
            Instance = _instance,
            Addresses = [.. _context.Options.Addresses],
            JoinsRing = _context.Options.JoinsRing,
            ServicesVersion = _rings.ServicesVersion,
            Services = _rings.ActiveServices(),
            WallClockMs = _context.WallClockMs(now),
            Age = Identity.AgeAt(now),
        };
        link.ToldServicesVersion = _rings.ServicesVersion;
        _context.Send(link, hello);
    }

    private void Refuse(TimeSpan now, Link link, Objection objection)
    {
        _context.Raise(OverlayEventKind.Refused, link.PeerId, $"{link.RemoteAddress}: {objection.Text}");
        NoteTurnedAway(now, link, $"refused ({objection.Text})");
        _context.Send(link, new GoodbyeMessage(objection.Reason, objection.TextThere));
        Forget(link);
    }

    private void NoteTurnedAway(TimeSpan now, Link link, string cause)
    {
        if (link.IsOutbound)
        {
            _dialer.NoteFailure(now, link.RemoteAddress);
            TurnedAway(link.RemoteAddress, cause);
        }
    }
}
