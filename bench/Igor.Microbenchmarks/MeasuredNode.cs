using System.Buffers;
using System.Collections.Immutable;
using Igor.Kbr;
using Igor.Kbr.Overlay;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Microbenchmarks;

/// <summary>
/// A member of one service with so many peers, which are played by the benchmark. It keeps what it needs of
/// the last frame that was sent, and nothing else.
/// </summary>
internal sealed class MeasuredNode : IOverlayOutput
{
    private const string Service = "bench";

    private readonly byte[] _lastFrame = new byte[RoutedFrame.RouteHeaderBytes + 4096];
    private readonly SeededRandom _random = new(7);
    private int _lastLength;
    private long _lastLink;

    /// <summary>Makes a node.</summary>
    /// <param name="peers">So many are connected, all of the one service.</param>
    /// <param name="services">So many more are run here, and three of them by each peer.</param>
    public MeasuredNode(int peers, int services = 0)
    {
        Others = [.. Enumerable.Range(0, services).Select(i => $"s{i}")];
        Overlay = new OverlayNode(_random.NextKey(), new OverlayOptions { LinksMax = 65536 }, this, 1);
        Overlay.Start(Now);
        foreach (string service in Others.Prepend(Service))
        {
            Overlay.Subscribe(Now, new SubscribeOptions { Service = service, Role = ServiceRole.Member });
        }

        Run(TimeSpan.FromSeconds(2));
        for (int i = 0; i < peers; i++)
        {
            Connect();
        }

        Run(TimeSpan.FromSeconds(1));
    }

    public static ServiceId ServiceId => Igor.Kbr.ServiceId.FromName(Service);

    /// <summary>The other services that it runs.</summary>
    public string[] Others { get; }

    public OverlayNode Overlay { get; }

    public ArrayBufferWriter<byte> Scratch { get; } = new();

    public bool WantsEvents => false;

    public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(1);

    /// <summary>The link that the last frame was sent on, and the frame.</summary>
    public LinkId LastLink { get; private set; }

    public ReadOnlySpan<byte> LastFrame => _lastFrame.AsSpan(0, _lastLength);

    public Key NextKey() => _random.NextKey();

    private void Run(TimeSpan time)
    {
        Now += time;
        if (Overlay.NextDeadline <= Now)
        {
            Overlay.HandleDeadline(Now);
        }
    }

    /// <summary>A peer with an id by chance that runs the service.</summary>
    public LinkId Connect()
    {
        var link = new LinkId(++_lastLink);
        Overlay.HandleLinkOpened(Now, link, _random.NextKey(), null, "10.9.9.9:9");
        var hello = new HelloMessage
        {
            Purpose = LinkPurpose.Neighbour,
            Network = "igor",
            Instance = 1,
            Addresses = [],
            ServicesVersion = 1,
            Services =
                [Igor.Kbr.ServiceId.Base, ServiceId, .. Others.Take(3).Select(Igor.Kbr.ServiceId.FromName)],
        };
        Overlay.HandleFrame(Now, link, Frame(hello));
        Overlay.HandleFrame(Now, link, Frame(new AcceptMessage(0, (uint)new OverlayOptions().FrameBytesMax)));
        return link;
    }

    public static byte[] Frame<TMessage>(in TMessage message)
        where TMessage : struct, IWireMessage<TMessage>
    {
        var buffer = new ArrayBufferWriter<byte>();
        WireMessage.Write(buffer, message);
        return buffer.WrittenSpan.ToArray();
    }

    public bool Send(LinkId link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        LastLink = link;
        header.CopyTo(_lastFrame);
        payload.CopyTo(_lastFrame.AsSpan(header.Length));
        _lastLength = header.Length + payload.Length;
        return true;
    }

    public void Dial(DialId dial, Key? expected, ImmutableArray<string> addresses)
    {
    }

    public void Close(LinkId link) => throw new InvalidOperationException("The node closed a link.");

    public void SetStanding(LinkId link, PeerStanding standing)
    {
    }

    public void Deliver(ServiceId service, in KbrDelivery delivery) =>
        throw new InvalidOperationException("A message that should pass through was delivered.");

    public void Forward(ServiceId service, long parked, in KbrForward message)
    {
    }

    public void CompleteRequest(RequestId request, in KbrReply reply)
    {
    }

    public void UpdateNeighbours(ServiceId service, NeighbourChange change)
    {
    }

    public void Raise(OverlayEvent overlayEvent)
    {
    }
}
