using Igor.Kbr.Overlay.Clocks;
using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Overlay.Upkeep;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;
using MessagePack;

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
    private const int GoodbyeFieldsWithAddresses = 4;
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
        catch (Exception e) when (PeerCodec.IsDecodeFailure(e))
        {
            handshake.HandleViolation(now, link!, e.Message);
        }
    }

    private void HandleFirst(TimeSpan now, Link link, ReadOnlyMemory<byte> body)
    {
        var reader = new MessagePackReader(body);
        int fields = reader.ReadArrayHeader();
        var type = (MessageType)reader.ReadInt32();
        if (type == MessageType.Goodbye)
        {
            HandleGoodbye(now, link, ref reader, fields);
            return;
        }

        if (link.IsContested)
        {
            return;
        }

        PeerCodec.Require(type == MessageType.Hello, "the first message is a hello");
        if (!WireMessage.TryRead(body, out HelloMessage hello, out string? rule))
        {
            throw new ProtocolException(rule);
        }

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
        var reader = new MessagePackReader(body);
        int fields = reader.ReadArrayHeader();
        int type = reader.ReadInt32();
        if (AllowanceFor(peer, (MessageType)type) is { } allowance && !allowance.TryTake(now))
        {
            Ignored++;
            return;
        }

        switch ((MessageType)type)
        {
            case MessageType.Services:
                _news.Handle(now, link, peer, body[(int)reader.Consumed..]);
                break;
            case MessageType.Ping:
                ulong nonce = reader.ReadUInt64();
                long ownMs = context.WallClockMs(now);
                context.Send(link, (ref MessagePackWriter writer) => WritePong(ref writer, nonce, ownMs));
                clocks.Hear(now, peer, PeerCodec.ReadWallClock(ref reader, fields > 2));
                break;
            case MessageType.Pong:
                HandlePong(now, peer, ref reader, fields);
                break;
            case MessageType.RequestQuery or MessageType.RequestState or MessageType.SilentPeer:
                HandleSilence(now, peer, (MessageType)type, ref reader);
                break;
            case MessageType.Goodbye:
                HandleGoodbye(now, link, ref reader, fields);
                break;
            case MessageType.IdentityClash:
                handshake.Identity.HandleHint(now, link, PeerCodec.ReadAddresses(ref reader));
                break;
            case MessageType.Neighbours:
                ServiceId service = PeerCodec.ReadService(ref reader);
                bool wantsReply = reader.ReadBoolean();
                exchange.Handle(now, peer, service, wantsReply, PeerCodec.ReadContacts(ref reader));
                break;
            case MessageType.LinkUse:
                peer.WantsUs = reader.ReadBoolean();
                break;
            case MessageType.ServiceQuery:
                discovery.HandleQuery(peer, PeerCodec.ReadService(ref reader));
                break;
            case MessageType.ServiceMembers:
                ServiceId asked = PeerCodec.ReadService(ref reader);
                discovery.HandleMembers(now, peer, asked, PeerCodec.ReadContacts(ref reader));
                break;
            case MessageType.Refused:
                HandleRefused(peer, reader.ReadInt32());
                break;
            case MessageType.Hello:
                throw new ProtocolException("there is one hello on a connection");
            default:
                context.Send(link, (ref MessagePackWriter writer) => WriteRefused(ref writer, type));
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

    private void HandlePong(TimeSpan now, Peer peer, ref MessagePackReader reader, int fields)
    {
        ulong sentAtTicks = reader.ReadUInt64();
        TimeSpan roundTrip = FailureDetection.HandlePong(now, peer, sentAtTicks);
        clocks.HandleAnswer(now, peer, roundTrip, PeerCodec.ReadWallClock(ref reader, fields > 2));
        handshake.Duplicates.HandlePong(
            now, peer, TimeSpan.FromTicks((long)Math.Min(sentAtTicks, (ulong)now.Ticks)));
        router.Silence.HandlePong(now, peer, sentAtTicks);
    }

    private void HandleSilence(
        TimeSpan now, Peer peer, MessageType type, ref MessagePackReader reader)
    {
        switch (type)
        {
            case MessageType.RequestQuery:
                router.Silence.HandleQuery(now, peer, reader.ReadUInt64(), router.Desk.Holds);
                break;
            case MessageType.RequestState:
                router.Silence.HandleState(now, peer, reader.ReadUInt64(), reader.ReadBoolean());
                break;
            default:
                router.Silence.HandleTold(now, KeyCodec.Read(ref reader));
                break;
        }
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

    private void HandleGoodbye(TimeSpan now, Link link, ref MessagePackReader reader, int fields)
    {
        var reason = (GoodbyeReason)reader.ReadInt32();
        string text = PeerCodec.ReadText(ref reader, WireLimits.TextLengthMax);
        if (reason == GoodbyeReason.Duplicate && fields >= GoodbyeFieldsWithAddresses)
        {
            handshake.Identity.HandleHint(now, link, PeerCodec.ReadAddresses(ref reader));
        }

        handshake.HandleGoodbye(now, link, reason, text);
    }

    private static void WritePong(ref MessagePackWriter writer, ulong nonce, long wallClockMs)
    {
        writer.WriteArrayHeader(3);
        writer.Write((int)MessageType.Pong);
        writer.Write(nonce);
        writer.Write(wallClockMs);
    }

    private static void WriteRefused(ref MessagePackWriter writer, int type)
    {
        writer.WriteArrayHeader(2);
        writer.Write((int)MessageType.Refused);
        writer.Write(type);
    }
}
