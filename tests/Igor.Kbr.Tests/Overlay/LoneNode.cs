using System.Buffers;
using System.Collections.Immutable;
using Igor.Kbr.Overlay;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Tests.Wire;
using Igor.Kbr.Tests.Wire.Messages;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay;

/// <summary>
/// A node whose peers are played by the test, frame by frame, honest or not. They show that they live while
/// time passes, unless they are silent.
/// </summary>
internal sealed class LoneNode : IOverlayOutput
{
    private static readonly TimeSpan PingPeriod = TimeSpan.FromSeconds(1);

    private readonly List<LinkId> _links = [];
    private readonly bool _arePeersSilent;
    private long _lastLink;

    public LoneNode(Key id, OverlayOptions? options = null, bool arePeersSilent = false)
    {
        _arePeersSilent = arePeersSilent;
        Overlay = new OverlayNode(id, options ?? new OverlayOptions(), this, 1);
        Overlay.Start(Now);
    }

    public OverlayNode Overlay { get; }

    public TimeSpan Now { get; set; } = TimeSpan.FromSeconds(1);

    public List<(DialId Dial, string Address)> Dials { get; } = [];

    public List<LinkId> Closed { get; } = [];

    /// <summary>Links whose peers do not show any more that they live.</summary>
    public HashSet<LinkId> Quiet { get; } = [];

    /// <summary>Larger frames find no room on any link.</summary>
    public int FrameBytesMax { get; set; } = int.MaxValue;

    /// <summary>What sending a frame fails with, as a fault of the host would; null for never.</summary>
    public Exception? Fault { get; set; }

    /// <summary>What telling the next change fails with, as a fault of the host would; null else.</summary>
    public Exception? UpdateFault { get; set; }

    /// <summary>What telling the next event fails with.</summary>
    public Exception? EventFault { get; set; }

    public List<(LinkId Link, byte[] Frame)> Sent { get; } = [];

    public Dictionary<LinkId, PeerStanding> Standings { get; } = [];

    public List<KbrDelivery> Deliveries { get; } = [];

    public List<(long Parked, KbrForward Message)> Forwards { get; } = [];

    public Dictionary<RequestId, KbrStatus> Ended { get; } = [];

    /// <summary>Changes of neighbour sets that applications were told.</summary>
    public int Changes { get; private set; }

    public List<OverlayEvent> Events { get; } = [];

    /// <summary>The replies sent on a link: the name of the request there, and how it ended.</summary>
    public List<(ulong HopId, ReplyStatus Status)> RepliesOn(LinkId link) =>
        [.. Frames(link, MessageType.Reply).Select(frame =>
        {
            Assert.True(RoutedFrame.TryReadReply(frame, out ReplyHeader header, out _));
            return (header.HopId, header.Status);
        })];

    public List<byte[]> Frames(LinkId link, MessageType type) =>
        [.. Sent.Where(sent => sent.Link == link && sent.Frame[1] == (byte)type).Select(sent => sent.Frame)];

    /// <summary>The messages of a kind that were sent on a link.</summary>
    public List<TMessage> Messages<TMessage>(LinkId link)
        where TMessage : struct, IWireMessage<TMessage> =>
        [.. Frames(link, TMessage.Type).Select(MessageBytes.Read<TMessage>)];

    /// <summary>Founds the ring of a service.</summary>
    public void Join(string service, bool wantsForward = false)
    {
        var options = new SubscribeOptions
        {
            Service = service,
            Role = ServiceRole.Member,
            WantsForward = wantsForward,
        };
        Overlay.Subscribe(Now, options);
        Run(PingPeriod);
        Assert.True(Overlay.Neighbours(ServiceId.FromName(service)).IsMember);
    }

    /// <summary>A peer opens a link, or answers a dial.</summary>
    public LinkId Open(Key peer, DialId? dial = null, string remoteAddress = "10.9.9.9:9")
    {
        var link = new LinkId(++_lastLink);
        _links.Add(link);
        Overlay.HandleLinkOpened(Now, link, peer, dial, remoteAddress);
        return link;
    }

    /// <summary>Lets a peer of that id connect and run the services named, beside the base overlay.</summary>
    public LinkId Connect(Key peer, params string[] services)
    {
        LinkId link = Open(peer);
        SayHello(link, [], services);
        return link;
    }

    /// <summary>Lets a peer of that id connect, or answer a dial, and say where it listens.</summary>
    public LinkId Connect(Key peer, DialId? dial, params string[] addresses)
    {
        LinkId link = Open(peer, dial);
        Hello(link, addresses);
        return link;
    }

    /// <summary>Says hello as a member of the ring, always the same run of it.</summary>
    public void Hello(LinkId link, params string[] addresses) => SayHello(link, addresses, []);

    /// <summary>Lets a peer say that it runs no service any more, except the base overlay.</summary>
    public void LeaveServices(LinkId link) =>
        Say(link, new ServicesMessage(0, 2, [ServiceId.Base], []));

    /// <summary>Lets the other end of a link say hello, and accept the node.</summary>
    public void Greet(LinkId link, in HelloMessage hello)
    {
        Say(link, hello);
        Say(link, new AcceptMessage(0, (uint)new OverlayOptions().FrameBytesMax));
    }

    public void Disconnect(LinkId link)
    {
        _links.Remove(link);
        Overlay.HandleLinkClosed(Now, link, "closed");
    }

    /// <summary>A routed message arrives on a link.</summary>
    public void ReceiveRoute(LinkId link, in RouteHeader header, params byte[] payload) =>
        Overlay.HandleFrame(Now, link, RouteFrame(header, payload));

    /// <summary>Sends a request whose root the node is.</summary>
    public void Ask(LinkId link, Key source, ServiceId service, ulong hopId) => ReceiveRoute(
        link, new RouteHeader(service, Overlay.Id, source, hopId, 64, RouteFlags.None, 60_000));

    public static byte[] RouteFrame(in RouteHeader header, params byte[] payload)
    {
        int headerBytes = RoutedFrame.RouteHeaderBytes + RoutedFrame.PayloadPrefixBytes;
        byte[] frame = new byte[headerBytes + payload.Length];
        RoutedFrame.WriteRoute(frame, header, payload.Length);
        payload.CopyTo(frame, headerBytes);
        return frame;
    }

    public static byte[] ReplyFrame(ulong hopId, ReplyStatus status, Key responder, params byte[] payload)
    {
        int headerBytes = RoutedFrame.ReplyHeaderBytes + RoutedFrame.PayloadPrefixBytes;
        byte[] frame = new byte[headerBytes + payload.Length];
        RoutedFrame.WriteReply(frame, new ReplyHeader(hopId, status, responder), payload.Length);
        payload.CopyTo(frame, headerBytes);
        return frame;
    }

    /// <summary>Asks whether the node is there; it answers on the same link.</summary>
    public void Ping(LinkId link) => Say(link, new PingMessage(1, 0));

    /// <summary>All peers ask, in the order in which they came.</summary>
    public void PingAll() => _links.ForEach(Ping);

    /// <summary>All peers answer what the node has passed to them, with nothing.</summary>
    public void AnswerRoutes()
    {
        var routes = Sent.Where(s => s.Frame[1] == (byte)MessageType.Route).ToList();
        Sent.RemoveAll(routes.Contains);
        foreach ((LinkId link, byte[] frame) in routes)
        {
            Assert.True(RoutedFrame.TryReadRoute(frame, out RouteHeader header, out _));
            byte[] reply = ReplyFrame(header.HopId, ReplyStatus.Ok, header.Destination);
            Overlay.HandleFrame(Now, link, reply);
        }
    }

    /// <summary>A message arrives on a link.</summary>
    public void Say<TMessage>(LinkId link, in TMessage message)
        where TMessage : struct, IWireMessage<TMessage> =>
        Overlay.HandleFrame(Now, link, MessageBytes.Of(message));

    /// <summary>Something arrives on a link that may be no message.</summary>
    public void SayFields(LinkId link, MessageType type, params object?[] fields) =>
        Overlay.HandleFrame(Now, link, WireTree.Write([(int)type, .. fields]));

    /// <summary>Lets time pass.</summary>
    public void Run(TimeSpan time)
    {
        TimeSpan end = Now + time;
        TimeSpan ping = _arePeersSilent ? TimeSpan.MaxValue : Now;
        while (Now < end)
        {
            if (Now >= ping)
            {
                ping = Now + PingPeriod;
                _links.Where(link => !Quiet.Contains(link)).ToList().ForEach(Ping);
            }

            TimeSpan next = Overlay.NextDeadline is { } d && d < ping ? d : ping;
            Now = next < end ? Max(next, Now + TimeSpan.FromTicks(1)) : end;
            Overlay.HandleDeadline(Now);
        }
    }

    public void Dial(DialId dial, Key? expected, ImmutableArray<string> addresses) =>
        Dials.Add((dial, addresses[0]));

    public bool Send(LinkId link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        if (Fault is not null)
        {
            throw Fault;
        }

        if (Closed.Contains(link) || header.Length + payload.Length > FrameBytesMax)
        {
            return false;
        }

        Sent.Add((link, [.. header, .. payload]));
        return true;
    }

    public void Close(LinkId link)
    {
        _links.Remove(link);
        Closed.Add(link);
    }

    public void SetStanding(LinkId link, PeerStanding standing) => Standings[link] = standing;

    public void Deliver(ServiceId service, in KbrDelivery delivery) =>
        Deliveries.Add(delivery with { Payload = delivery.Payload.ToArray() });

    public void Forward(ServiceId service, long parked, in KbrForward message) =>
        Forwards.Add((parked, message with { Payload = message.Payload.ToArray() }));

    public void CompleteRequest(RequestId request, in KbrReply reply) => Ended.Add(request, reply.Status);

    public void UpdateNeighbours(ServiceId service, NeighbourChange change)
    {
        Changes++;
        if (UpdateFault is { } fault)
        {
            UpdateFault = null;
            throw fault;
        }
    }

    public ArrayBufferWriter<byte> Scratch { get; } = new();

    public bool WantsEvents => true;

    public void Raise(OverlayEvent overlayEvent)
    {
        Events.Add(overlayEvent);
        if (EventFault is { } fault)
        {
            EventFault = null;
            throw fault;
        }
    }

    private void SayHello(LinkId link, string[] addresses, string[] services)
    {
        var hello = new HelloMessage
        {
            Network = "igor",
            Instance = 1,
            Addresses = [.. addresses],
            ServicesVersion = 1,
            Purpose = LinkPurpose.Neighbour,
            Services =
            [
                ServiceId.Base, .. services.Select(ServiceId.FromName),
            ],
        };
        Greet(link, hello);
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
