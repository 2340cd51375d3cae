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
internal sealed class Handshake(
    NodeContext context,
    RingTable rings,
    Dialer dialer,
    OpenLinks links,
    EntryPoints entries,
    LinkCare care,
    SecondLinks secondLinks,
    Duplicates duplicates,
    OwnIdentity identity) : Machine
{
    private static readonly TimeSpan HelloTimeout = TimeSpan.FromSeconds(5);

    public override ReadOnlySpan<MessageType> Messages => [MessageType.Hello, MessageType.Goodbye];

    public void HandleOpened(TimeSpan now, LinkId id, Key peerId, Dialer.Wish? wish, string remoteAddress)
    {
        if (wish is { Expected: { } expected } dialled && expected != peerId)
        {
            entries.HandleReplaced(expected, dialled.Address);
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
        links.Add(link);
        SendHello(now, link);
        context.Timers.Schedule(now + HelloTimeout, later =>
        {
            if (link.Peer is null && links.Remove(id, out _))
            {
                context.Raise(OverlayEventKind.Refused, peerId, $"{address} did not say hello");
                NoteTurnedAway(later, link, "no hello in time");
                context.Output.Close(id);
            }
        });
    }

    /// <summary>A frame came on a link that leads to no peer yet.</summary>
    /// <exception cref="ProtocolException">It is none of the frames that may come then.</exception>
    public void HandleFirst(TimeSpan now, Link link, in Frame frame)
    {
        if (frame.Type == MessageType.Goodbye)
        {
            HandleGoodbye(now, link, frame);
        }
        else if (!link.IsContested)
        {
            PeerCodec.Require(frame.Type == MessageType.Hello, "the first message is a hello");
            HelloMessage hello = frame.Read<HelloMessage>();
            HandleHello(now, link, hello);
            if (link.Peer is { } peer)
            {
                context.Machines.Sign(now, peer, new SignOfLife(null, hello.WallClockMs));
            }
        }
    }

    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        PeerCodec.Require(frame.Type == MessageType.Goodbye, "there is one hello on a connection");
        HandleGoodbye(now, link, frame);
    }

    private void HandleHello(TimeSpan now, Link link, HelloMessage hello)
    {
        if (HelloCheck.ObjectionTo(context.Options.Network, hello) is { } objection)
        {
            Refuse(now, link, objection);
            return;
        }

        if (link.PeerId == context.Id)
        {
            HandleOwnHello(now, link, hello);
            return;
        }

        if (context.Peers.TryGet(link.PeerId, out Peer? known))
        {
            HandleSecondHello(now, known, link, hello);
            return;
        }

        if (context.Peers.Count >= context.Options.PeersMax && !care.TryMakeRoom(now, link, hello))
        {
            Refuse(now, link, HelloCheck.Full);
            return;
        }

        var peer = new Peer(link.PeerId, link)
        {
            ConnectedAt = now,
            Instance = hello.Instance,
            Addresses = HelloCheck.UsableAddresses(hello, link, context.Options.DialPrivate),
            JoinsRing = hello.JoinsRing,
            WasDialled = link.IsOutbound,
        };
        peer.Services.Apply(hello.Runs);
        link.Peer = peer;
        context.Peers.Add(peer);
        context.Raise(OverlayEventKind.PeerConnected, peer.Id, link.RemoteAddress);
        context.Machines.PeerUp(now, peer);
    }

    /// <summary>A peer that is connected says hello on another link: the same run of it or not.</summary>
    private void HandleSecondHello(TimeSpan now, Peer known, Link link, HelloMessage hello)
    {
        if (known.Instance != hello.Instance)
        {
            duplicates.HandleHello(now, known, link, hello);
            return;
        }

        secondLinks.Merge(now, known, link);
        if (known.Services.Apply(hello.Runs) is { } changed)
        {
            context.Machines.ServicesChanged(now, known, changed);
        }
    }

    private void HandleGoodbye(TimeSpan now, Link link, in Frame frame)
    {
        (GoodbyeReason reason, string text, ImmutableArray<string> addresses) =
            frame.Read<GoodbyeMessage>();
        if (!addresses.IsDefault)
        {
            identity.HandleHint(now, link, addresses);
        }

        if (reason is GoodbyeReason.WrongNetwork or GoodbyeReason.WrongVersion or GoodbyeReason.Full
            or GoodbyeReason.Duplicate)
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
            links.Drop(now, peer, reason switch
            {
                GoodbyeReason.Leaving => DepartureReason.Left,
                GoodbyeReason.Unneeded => DepartureReason.Displaced,
                _ => DepartureReason.Failed,
            });
        }
        else
        {
            links.Forget(link);
        }
    }

    public void HandleClosed(TimeSpan now, LinkId id)
    {
        if (links.Remove(id, out Link? link) && link.Peer is { } peer && peer.Link == link)
        {
            secondLinks.HandleDead(now, peer);
        }
    }

    /// <summary>A peer broke the protocol.</summary>
    public void HandleViolation(TimeSpan now, Link link, string rule)
    {
        context.Raise(OverlayEventKind.ProtocolError, link.PeerId, $"{link.RemoteAddress}: {rule}");
        NoteTurnedAway(now, link, "no node of this protocol answers");
        context.Send(link, new GoodbyeMessage(GoodbyeReason.ProtocolError, rule));
        if (link.Peer is { } peer && peer.Link == link)
        {
            links.Drop(now, peer, DepartureReason.Failed);
        }
        else
        {
            links.Forget(link);
        }
    }

    /// <summary>The other end has this node's own id: an address of its own leads there, or a copy.</summary>
    private void HandleOwnHello(TimeSpan now, Link link, HelloMessage hello)
    {
        if (identity.IsSelf(now, link, hello))
        {
            if (link.IsOutbound)
            {
                dialer.NoteOwn(now, link.RemoteAddress);
                entries.HandleFailed(link.RemoteAddress, "only this node itself answers");
            }
        }
        else
        {
            NoteTurnedAway(now, link, "another node with this node's identity answers");
        }

        links.Forget(link);
    }

    private void SendHello(TimeSpan now, Link link)
    {
        var hello = new HelloMessage
        {
            Network = context.Options.Network,
            Instance = identity.Instance,
            Addresses = [.. context.Options.Addresses],
            JoinsRing = context.Options.JoinsRing,
            ServicesVersion = rings.Own.Version,
            Services = rings.Own.All.Length <= HelloMessage.ServicesListedMax ? rings.Own.All : default,
            WallClockMs = context.WallClockMs(now),
            Age = identity.AgeAt(now),
        };
        link.ToldServicesVersion = rings.Own.Version;
        context.Send(link, hello);
    }

    private void Refuse(TimeSpan now, Link link, Objection objection)
    {
        context.Raise(OverlayEventKind.Refused, link.PeerId, $"{link.RemoteAddress}: {objection.Text}");
        NoteTurnedAway(now, link, $"refused ({objection.Text})");
        context.Send(link, new GoodbyeMessage(objection.Reason, objection.TextThere));
        links.Forget(link);
    }

    private void NoteTurnedAway(TimeSpan now, Link link, string cause)
    {
        if (link.IsOutbound)
        {
            dialer.NoteFailure(now, link.RemoteAddress);
            entries.HandleFailed(link.RemoteAddress, cause);
        }
    }
}
