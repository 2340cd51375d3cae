using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// From an authenticated link to a peer. Both ends say hello at once; each judges the other's and answers
/// Accept or Goodbye. A peer is one only when both ends have accepted, so that nobody counts a link that the
/// other end refused. Where two links lead to the same peer, both ends agree on one without talking about it.
/// </summary>
internal sealed class Handshake(
    NodeContext context,
    RingTable rings,
    Dialer dialer,
    OpenLinks links,
    EntryPoints entries,
    LinkRoom room,
    SecondLinks secondLinks,
    Duplicates duplicates,
    OwnIdentity identity) : Machine
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Dictionary<LinkId, HelloMessage> _accepted = []; // whose own accept is waited for

    // In order of time, with one timer for all: a closure for each would take more than the link itself.
    private readonly Queue<(Link Link, TimeSpan Until)> _opened = new();

    public override ReadOnlySpan<MessageType> Messages =>
        [MessageType.Hello, MessageType.Accept, MessageType.Goodbye];

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

        string address = wish is { } to && to.Address != remoteAddress ? to.Address : remoteAddress;
        LinkPurpose purpose = wish?.Purpose ?? LinkPurpose.Entry;
        var link = new Link(id, peerId, wish is not null, purpose, address)
        {
            ProvenAddress = remoteAddress,
            OpenedAt = now,
        };
        links.Add(link);
        context.Budget.Spend(now, link.IsOutbound ? UpkeepBudget.ConnectionBytes : 0);
        if (!room.HasRoomFor(now, link))
        {
            Refuse(now, link, HelloCheck.Full);
            return;
        }

        SendHello(now, link);
        _opened.Enqueue((link, now + Patience));
        if (_opened.Count == 1)
        {
            context.Timers.Schedule(now + Patience, EndUnanswered);
        }
    }

    private void EndUnanswered(TimeSpan now)
    {
        try
        {
            while (_opened.TryPeek(out (Link Link, TimeSpan Until) first) && first.Until <= now)
            {
                _opened.Dequeue();
                _accepted.Remove(first.Link.Id);
                if (first.Link.Peer is null && links.Remove(first.Link.Id, out Link? link))
                {
                    context.Raise(
                        OverlayEventKind.Refused, link.PeerId, $"{link.RemoteAddress} did not say hello");
                    NoteTurnedAway(now, link, "no hello in time");
                    context.Output.Close(link.Id);
                }
            }
        }
        finally
        {
            _opened.TrimExcess();
            if (_opened.TryPeek(out (Link Link, TimeSpan Until) next))
            {
                context.Timers.Schedule(next.Until, EndUnanswered);
            }
        }
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
            bool isHello = !_accepted.TryGetValue(link.Id, out HelloMessage hello);
            PeerCodec.Require(
                frame.Type == (isHello ? MessageType.Hello : MessageType.Accept),
                isHello ? "the first message is a hello" : "the answer to a hello is an accept");
            if (isHello)
            {
                HelloMessage said = frame.Read<HelloMessage>();
                ImmutableArray<string> usable =
                    HelloCheck.UsableAddresses(said, link, context.Options.DialPrivate);
                HandleHello(now, link, said with { Addresses = usable });
            }
            else
            {
                link.FrameBytesMax = frame.Read<AcceptMessage>().FrameBytesMax;
                HandleAccept(now, link, hello);
            }
        }
    }

    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        PeerCodec.Require(
            frame.Type == MessageType.Goodbye, "there is one hello, and one accept, on a connection");
        HandleGoodbye(now, link, frame);
    }

    private void HandleHello(TimeSpan now, Link link, in HelloMessage hello)
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

        if (!link.IsOutbound)
        {
            link.Purpose = hello.JoinsRing ? hello.Purpose : LinkPurpose.Client;
        }

        if (context.Peers.TryGet(link.PeerId, out Peer? known) && known.Instance != hello.Instance)
        {
            duplicates.HandleHello(now, known, link, hello);
            return;
        }

        if (known is null && !room.MayBecomePeer(now, link, hello))
        {
            Refuse(now, link, HelloCheck.Full);
            return;
        }

        if (known is not null && !room.HasShare(link))
        {
            link.Purpose = LinkPurpose.Entry; // it is a peer already, and no more than that
        }

        _accepted.Add(link.Id, hello);
        context.Send(link, new AcceptMessage(0, (uint)context.Options.FrameBytesMax));
    }

    private void HandleAccept(TimeSpan now, Link link, in HelloMessage hello)
    {
        _accepted.Remove(link.Id);
        if (link.IsOutbound)
        {
            dialer.HandleUp(link.RemoteAddress);
        }

        if (!context.Peers.TryGet(link.PeerId, out Peer? known))
        {
            BringUp(now, link, hello);
        }
        else if (known.Instance == hello.Instance)
        {
            HandleSecond(now, known, link, hello);
        }
        else
        {
            duplicates.HandleHello(now, known, link, hello);
            return;
        }

        if (link.Peer is { } peer && context.Peers.IsConnected(peer))
        {
            context.Machines.Sign(now, peer, new SignOfLife(null, hello.WallClockMs));
        }
    }

    private void BringUp(TimeSpan now, Link link, in HelloMessage hello)
    {
        var peer = new Peer(link.PeerId, link)
        {
            ConnectedAt = now,
            Instance = hello.Instance,
            Addresses = hello.Addresses,
            JoinsRing = hello.JoinsRing,
            FoundAt = !link.IsOutbound ? [] : hello.Addresses is [var only] && only == link.RemoteAddress
                ? hello.Addresses : [link.RemoteAddress], // one list in memory
            IsForFinger = link.Purpose == LinkPurpose.Finger,
        };
        peer.Services.Apply(hello.Runs);
        links.BringUp(link, peer);
        context.Peers.Add(peer);
        context.Raise(OverlayEventKind.PeerConnected, peer.Id, link.RemoteAddress);
        context.Machines.Each(machine => machine.HandlePeerUp(now, peer));
    }

    /// <summary>A second link to a peer. Its hello may be older than what came by the first.</summary>
    private void HandleSecond(TimeSpan now, Peer known, Link link, in HelloMessage hello)
    {
        secondLinks.Merge(now, known, link);
        if (known.Services.Apply(hello.Runs) is { Count: > 0 } changed)
        {
            context.Machines.Each(machine => machine.HandleServicesChanged(now, known, changed));
        }
    }

    private void HandleGoodbye(TimeSpan now, Link link, in Frame frame)
    {
        (GoodbyeReason reason, string text, ImmutableArray<Contact> contacts) =
            frame.Read<GoodbyeMessage>();
        if (reason == GoodbyeReason.Duplicate && contacts is [var other, ..])
        {
            identity.HandleHint(now, link, other.Addresses);
        }

        if (reason == GoodbyeReason.Full && link.IsOutbound)
        {
            entries.HandleFull(now, link, contacts);
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

        End(now, link, reason);
    }

    private void End(TimeSpan now, Link link, GoodbyeReason reason)
    {
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

    public void HandleViolation(TimeSpan now, Link link, string rule)
    {
        context.Raise(OverlayEventKind.ProtocolError, link.PeerId, $"{link.RemoteAddress}: {rule}");
        NoteTurnedAway(now, link, "no node of this protocol answers");
        context.Send(link, new GoodbyeMessage(GoodbyeReason.ProtocolError, rule));
        End(now, link, GoodbyeReason.ProtocolError);
    }

    /// <summary>The other end has this node's own id: an address of its own leads there, or a copy.</summary>
    private void HandleOwnHello(TimeSpan now, Link link, HelloMessage hello)
    {
        bool isSelf = identity.IsSelf(now, link, hello);
        string who = isSelf ? "only this node itself" : "another node with this node's identity";
        NoteTurnedAway(now, link, who + " answers", isSelf);
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
            Services = rings.Listed,
            WallClockMs = context.WallClockMs(now),
            Age = identity.AgeAt(now),
            Purpose = context.Options.JoinsRing ? link.Purpose : LinkPurpose.Client,
        };
        link.ToldServicesVersion = rings.Own.Version;
        context.Send(link, hello);
    }

    private void Refuse(TimeSpan now, Link link, Objection objection)
    {
        context.Raise(OverlayEventKind.Refused, link.PeerId, $"{link.RemoteAddress}: {objection.Text}");
        NoteTurnedAway(now, link, $"refused ({objection.Text})");
        ImmutableArray<Contact> others =
            objection.Reason == GoodbyeReason.Full ? link.Fitting(room.Others(link.PeerId)) : [];
        context.Send(link, new GoodbyeMessage(objection.Reason, objection.TextThere, others));
        links.Forget(link);
    }

    private void NoteTurnedAway(TimeSpan now, Link link, string cause, bool isOwn = false)
    {
        if (link.IsOutbound)
        {
            dialer.NoteFailure(now, link.RemoteAddress, cause, isOwn);
        }
    }
}
