using System.Collections.Immutable;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Peers;

/// <summary>
/// From an authenticated link to a peer: both sides say hello, check network and version, and where two links
/// lead to the same peer, agree on one without talking about it. Emits peers that are up and peers that are
/// gone.
/// </summary>
internal sealed class Handshake(
    NodeContext context, RingTable rings, Dialer dialer, Standings standings)
{
    private static readonly TimeSpan HelloTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(5);

    private readonly Dictionary<LinkId, Link> _links = [];
    private readonly ulong _instance = context.Random.NextUInt64();

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
        Dialer.Wish? wish = dial is { } d ? dialer.HandleOpened(now, d, peerId) : null;
        if (peerId == context.Id)
        {
            if (wish is { } own)
            {
                dialer.NoteOwn(now, own.Address);
                TurnedAway(own.Address, "only this node itself answers");
            }

            context.Output.Close(id);
            return;
        }

        if (wish is { Expected: { } expected } dialled && expected != peerId)
        {
            Replaced(expected, dialled.Address);
            if (context.Peers.Contains(peerId))
            {
                context.Output.Close(id);
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
        context.Timers.Schedule(now + HelloTimeout, later =>
        {
            if (link.Peer is null && _links.Remove(id))
            {
                context.Raise(OverlayEventKind.Refused, peerId, $"{address} did not say hello");
                NoteTurnedAway(later, link, "no hello in time");
                context.Output.Close(id);
            }
        });
    }

    public void HandleHello(TimeSpan now, Link link, HelloMessage hello)
    {
        if (link.Peer is not null)
        {
            return;
        }

        if (HelloCheck.ObjectionTo(context.Options.Network, hello) is { } objection)
        {
            Refuse(now, link, objection);
            return;
        }

        if (context.Peers.TryGet(link.PeerId, out Peer? known))
        {
            if (known.Instance == hello.Instance)
            {
                Merge(now, known, link);
                ImmutableArray<ServiceName> before = known.Services;
                if (known.TryUpdateServices(hello.ServicesVersion, hello.Services))
                {
                    ServicesChanged(now, known, before);
                }

                return;
            }

            Drop(now, known, DepartureReason.Failed);
        }
        else if (context.Peers.Count >= context.Options.PeersMax && !TryMakeRoom(now, link, hello))
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
            Addresses = HelloCheck.UsableAddresses(hello, link, context.Options.DialPrivate),
            JoinsRing = hello.JoinsRing,
        };
        peer.TryUpdateServices(hello.ServicesVersion, hello.Services);
        link.Peer = peer;
        context.Peers.Add(peer);
        context.Raise(OverlayEventKind.PeerConnected, peer.Id, link.RemoteAddress);
        if (rings.ServicesVersion != link.ToldServicesVersion)
        {
            rings.Announce(peer);
        }

        PeerUp(now, peer);
    }

    public void HandleGoodbye(TimeSpan now, Link link, GoodbyeReason reason, string text)
    {
        if (reason is GoodbyeReason.WrongNetwork or GoodbyeReason.WrongVersion or GoodbyeReason.Full)
        {
            context.Raise(
                OverlayEventKind.Refused, link.PeerId, $"{link.RemoteAddress} refused this node: {text}");
            NoteTurnedAway(now, link, $"refused ({text})");
        }
        else if (reason == GoodbyeReason.ProtocolError)
        {
            context.Raise(
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
        other.IsDraining = false;
        standings.Tell(other, peer);
        peer.NoteHeard(now);
    }

    /// <summary>A peer broke the protocol.</summary>
    public void HandleViolation(TimeSpan now, Link link, string rule)
    {
        context.Raise(OverlayEventKind.ProtocolError, link.PeerId, $"{link.RemoteAddress}: {rule}");
        NoteTurnedAway(now, link, "no node of this protocol answers");
        context.SendGoodbye(link, GoodbyeReason.ProtocolError, rule);
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

        context.Peers.Remove(peer);
        context.Raise(OverlayEventKind.PeerLost, peer.Id, $"{peer.Link.RemoteAddress}: {reason}");
        PeerDown(now, peer, reason);
    }

    /// <summary>Says goodbye on every link and closes it.</summary>
    public void CloseAll(GoodbyeReason reason, string text)
    {
        foreach (Link link in _links.Values.OrderBy(l => l.Id.Value).ToArray())
        {
            context.SendGoodbye(link, reason, text);
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
        Peer? spare = context.Peers.All.Where(p => !p.IsWanted && !p.WantsUs).MinBy(p => p.UnwantedSince)
            ?? context.Peers.All
                .Where(p => p.Standing != PeerStanding.Member && !p.IsFinger && !rings.IsNeighbour(p))
                .Where(p => context.Options.JoinsRing && !(isClient && p.JoinsRing))
                .OrderBy(p => p.JoinsRing)
                .ThenBy(p => p.LastHeard)
                .FirstOrDefault();
        if (spare is null)
        {
            return false;
        }

        context.SendGoodbye(spare.Link, GoodbyeReason.Unneeded, "room is needed for others");
        Drop(now, spare, DepartureReason.Displaced);
        return true;
    }

    private void Forget(Link link)
    {
        if (_links.Remove(link.Id))
        {
            context.Output.Close(link.Id);
        }
    }

    private void SendHello(TimeSpan now, Link link)
    {
        var hello = new HelloMessage
        {
            Network = context.Options.Network,
            Instance = _instance,
            Addresses = [.. context.Options.Addresses],
            JoinsRing = context.Options.JoinsRing,
            ServicesVersion = rings.ServicesVersion,
            Services = rings.ActiveServices(),
            WallClockMs = context.WallClockMs(now),
        };
        link.ToldServicesVersion = rings.ServicesVersion;
        context.Send(link, (ref MessagePack.MessagePackWriter writer) => hello.Write(ref writer));
    }

    private void Refuse(TimeSpan now, Link link, Objection objection)
    {
        context.Raise(OverlayEventKind.Refused, link.PeerId, $"{link.RemoteAddress}: {objection.Text}");
        NoteTurnedAway(now, link, $"refused ({objection.Text})");
        context.SendGoodbye(link, objection.Reason, objection.TextThere);
        Forget(link);
    }

    private void NoteTurnedAway(TimeSpan now, Link link, string cause)
    {
        if (link.IsOutbound)
        {
            dialer.NoteFailure(now, link.RemoteAddress);
            TurnedAway(link.RemoteAddress, cause);
        }
    }

    /// <summary>
    /// Two links to one run of one peer: the one that the node with the smaller id opened stays, of two
    /// opened by the same side the newer one; the other link is closed once what is on its way has arrived.
    /// Both sides see both links, so they choose alike, except that two hellos may arrive in another order
    /// than they were sent in: so of two links opened by one side, that side closes first and the other side
    /// follows. And a peer that found the older link dead sees only the newer one: so an older link that
    /// stays has to prove itself.
    /// </summary>
    private void Merge(TimeSpan now, Peer peer, Link added)
    {
        added.Peer = peer;
        standings.Tell(added, peer);
        Link old = peer.Link;
        bool isSameSide = added.IsOutbound == old.IsOutbound;
        bool smallerOpened = added.IsOutbound == (context.Id < peer.Id);
        Link loser = isSameSide || smallerOpened ? old : added;
        peer.Link = loser == old ? added : old;
        loser.IsDraining = true;
        if (loser == old)
        {
            peer.NoteHeard(now);
        }
        else if (peer.ProbeSentAt is null)
        {
            peer.IsSuspect = true;
            FailureDetection.Probe(context, now, peer);
        }

        CloseAfterDraining(now, loser, isSameSide && !added.IsOutbound ? 2 * DrainTime : DrainTime);
    }

    /// <summary>Closes a second link, but not while it is in doubt whether the first one is alive.</summary>
    private void CloseAfterDraining(TimeSpan now, Link link, TimeSpan wait) =>
        context.Timers.Schedule(now + wait, later =>
        {
            if (!link.IsDraining || !_links.ContainsKey(link.Id))
            {
                return;
            }

            if (link.Peer!.ProbeSentAt is null)
            {
                Forget(link);
            }
            else
            {
                CloseAfterDraining(later, link, DrainTime);
            }
        });
}
