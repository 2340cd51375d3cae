using Igor.Kbr.Overlay.Clocks;
using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Overlay.Upkeep;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay;

/// <summary>
/// The one switch on what peers say, and the one place where bytes that make no sense become a protocol
/// error. The two frames of the hot path are read without a MessagePack reader.
/// </summary>
internal sealed class FrameDispatch(
    NodeContext context,
    Handshake handshake,
    Router router,
    NeighbourExchange exchange,
    ServiceDiscovery discovery,
    PeerClocks clocks)
{
    private const int RoutedArray9 = 0x99;
    private const int RoutedArrayMax = 0x9F;
    private const int ReplyArray5 = 0x95;

    /// <summary>
    /// A ring tells a neighbour its surroundings when they change and every few seconds, and there are up to
    /// some ten rings.
    /// </summary>
    private const int ControlPerSecond = 32;

    private const int ControlAtOnceMax = 256;

    private readonly ServiceNews _news = new(context, handshake);

    /// <summary>Messages that were ignored since their sender sent too many.</summary>
    public long Ignored { get; private set; }

    /// <summary>How many costly messages a peer may send that has just connected.</summary>
    public static TokenBucket NewControlAllowance() => new(ControlPerSecond, ControlAtOnceMax);

    public void Handle(TimeSpan now, LinkId linkId, ReadOnlyMemory<byte> body)
    {
        if (!handshake.TryGet(linkId, out Link? link))
        {
            return;
        }

        try
        {
            if (link!.Peer is { } peer)
            {
                if (!link.IsDraining)
                {
                    // A frame on a second link says nothing about the one that this node sends on.
                    peer.NoteHeard(now);
                }

                HandleKnown(now, link, peer, body);
            }
            else
            {
                HandleFirst(now, link, body);
            }
        }
        catch (ProtocolException e)
        {
            handshake.HandleViolation(now, link!, e.Message);
        }
    }

    private void HandleFirst(TimeSpan now, Link link, ReadOnlyMemory<byte> body)
    {
        PeerCodec.Require(WireMessage.TryReadType(body, out int type), "a frame begins with its type");
        if (type == (int)MessageType.Goodbye)
        {
            HandleGoodbye(now, link, Read<GoodbyeMessage>(body));
            return;
        }

        if (link.IsContested)
        {
            return;
        }

        PeerCodec.Require(type == (int)MessageType.Hello, "the first message is a hello");
        HelloMessage hello = Read<HelloMessage>(body);
        handshake.HandleHello(now, link, hello);
        if (link.Peer is { } peer)
        {
            clocks.Hear(now, peer, hello.WallClockMs);
        }
    }

    private void HandleKnown(TimeSpan now, Link link, Peer peer, ReadOnlyMemory<byte> body)
    {
        ReadOnlySpan<byte> b = body.Span;
        PeerCodec.Require(b.Length >= 2, "a frame is an array that starts with its type");
        if (b[1] == (byte)MessageType.Route && b[0] is >= RoutedArray9 and <= RoutedArrayMax)
        {
            PeerCodec.Require(
                RoutedFrame.TryReadRoute(body, out RouteHeader header, out ReadOnlyMemory<byte> payload),
                "a routed message has a header of fixed width");
            router.HandleRoute(now, link, header, body, payload);
        }
        else if (b[1] == (byte)MessageType.Reply && b[0] is >= ReplyArray5 and <= RoutedArrayMax)
        {
            PeerCodec.Require(
                RoutedFrame.TryReadReply(body, out ReplyHeader header, out ReadOnlyMemory<byte> payload),
                "a reply has a header of fixed width");
            router.HandleReply(now, link, header, body, payload);
        }
        else
        {
            HandleOther(now, link, peer, body);
        }
    }

    private void HandleOther(TimeSpan now, Link link, Peer peer, ReadOnlyMemory<byte> body)
    {
        PeerCodec.Require(WireMessage.TryReadType(body, out int type), "a frame begins with its type");
        if (AllowanceFor(peer, (MessageType)type) is { } allowance && !allowance.TryTake(now))
        {
            Ignored++;
            return;
        }

        switch ((MessageType)type)
        {
            case MessageType.Services:
                _news.Handle(now, link, peer, body);
                break;
            case MessageType.Ping:
                PingMessage ping = Read<PingMessage>(body);
                context.Send(link, new PongMessage(ping.Nonce, context.WallClockMs(now)));
                clocks.Hear(now, peer, ping.WallClockMs);
                break;
            case MessageType.Pong:
                HandlePong(now, peer, Read<PongMessage>(body));
                break;
            case MessageType.RequestQuery:
                ulong request = Read<RequestQueryMessage>(body).HopId;
                router.Silence.HandleQuery(now, peer, request, router.Desk.Holds);
                break;
            case MessageType.RequestState:
                router.Silence.HandleState(now, peer, Read<RequestStateMessage>(body));
                break;
            case MessageType.SilentPeer:
                router.Silence.HandleTold(now, Read<SilentPeerMessage>(body).Node);
                break;
            case MessageType.Goodbye:
                HandleGoodbye(now, link, Read<GoodbyeMessage>(body));
                break;
            case MessageType.IdentityClash:
                handshake.Identity.HandleHint(now, link, Read<IdentityClashMessage>(body).Addresses);
                break;
            case MessageType.Neighbours:
                exchange.Handle(now, peer, Read<NeighboursMessage>(body));
                break;
            case MessageType.LinkUse:
                peer.WantsUs = Read<LinkUseMessage>(body).IsWanted;
                break;
            case MessageType.ServiceQuery:
                discovery.HandleQuery(peer, Read<ServiceQueryMessage>(body).Service);
                break;
            case MessageType.ServiceMembers:
                discovery.HandleMembers(now, peer, Read<ServiceMembersMessage>(body));
                break;
            case MessageType.Refused:
                HandleRefused(peer, Read<RefusedMessage>(body).RefusedType);
                break;
            case MessageType.Hello:
                throw new ProtocolException("there is one hello on a connection");
            default:
                context.Send(link, new RefusedMessage(type));
                break;
        }
    }

    /// <summary>
    /// What bounds a message that costs more to handle, or to answer, than to send; null for others. A probe
    /// is sent once, so that what comes again with its period takes nothing from it.
    /// </summary>
    private static TokenBucket? AllowanceFor(Peer peer, MessageType type) => type switch
    {
        MessageType.Ping or MessageType.RequestQuery => peer.Probes,
        MessageType.Neighbours or MessageType.ServiceQuery or MessageType.ServiceMembers
            or MessageType.IdentityClash or MessageType.SilentPeer => peer.Control,
        _ => null,
    };

    private void HandlePong(TimeSpan now, Peer peer, in PongMessage pong)
    {
        ulong sentAtTicks = pong.Nonce;
        TimeSpan roundTrip = FailureDetection.HandlePong(now, peer, sentAtTicks);
        clocks.HandleAnswer(now, peer, roundTrip, pong.WallClockMs);
        handshake.Duplicates.HandlePong(
            now, peer, TimeSpan.FromTicks((long)Math.Min(sentAtTicks, (ulong)now.Ticks)));
        router.Silence.HandlePong(now, peer, sentAtTicks);
    }

    private void HandleRefused(Peer peer, int refused)
    {
        if (refused == (int)MessageType.RequestQuery)
        {
            SilenceDetection.HandleRefused(peer);
        }

        context.Raise(
            OverlayEventKind.ProtocolError, peer.Id, $"does not know messages of type {refused}");
    }

    private void HandleGoodbye(TimeSpan now, Link link, in GoodbyeMessage goodbye)
    {
        if (!goodbye.Addresses.IsDefault)
        {
            handshake.Identity.HandleHint(now, link, goodbye.Addresses);
        }

        handshake.HandleGoodbye(now, link, goodbye.Reason, goodbye.Text);
    }

    private static TMessage Read<TMessage>(ReadOnlyMemory<byte> body)
        where TMessage : struct, IWireMessage<TMessage> =>
        WireMessage.TryRead(body, out TMessage message, out string? rule)
            ? message
            : throw new ProtocolException(rule);
}
