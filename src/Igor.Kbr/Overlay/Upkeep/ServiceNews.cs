using System.Collections.Immutable;
using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// What peers say that they run. A list may name many services and each change of it may move neighbours, so
/// that a peer is heard at its first words and then so often: of what it says meanwhile the newest is kept,
/// unread, until its time.
/// </summary>
internal sealed class ServiceNews(NodeContext context, Handshake handshake) : Machine
{
    private const int AtOnceMax = 8; // a node that starts announces its services one after the other
    private const int PerSecond = 2;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1.0 / PerSecond);

    private readonly PerPeer<News> _news = new(context.Peers, () => new News());

    public override ReadOnlySpan<MessageType> Messages => [MessageType.Services];

    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        PeerCodec.Require(
            ServicesMessage.TryReadVersion(frame.Body, out ulong version), "services have a version");
        if (version <= peer.ServicesVersion)
        {
            return; // it was known before, perhaps over another link
        }

        News news = _news[peer];
        if (news.Unread is null && news.Allowance.TryTake(now))
        {
            Apply(now, peer, frame);
            return;
        }

        PeerCodec.Require(
            frame.Body.Length <= WireLimits.ServicesBytesMax, "a list of services is not that long");
        if (news.Unread is not { } unread)
        {
            news.Unread = frame.Body.ToArray();
            context.Timers.Schedule(now + Pause, later => ApplyUnread(later, link, peer));
        }
        else if (!ServicesMessage.TryReadVersion(unread, out ulong unreadVersion) || version > unreadVersion)
        {
            news.Unread = frame.Body.ToArray();
        }
    }

    private void ApplyUnread(TimeSpan now, Link link, Peer peer)
    {
        if (!context.Peers.IsConnected(peer) || _news[peer].Unread is not { } body)
        {
            return;
        }

        _news[peer].Unread = null;
        _news[peer].Allowance.TryTake(now);
        try
        {
            Apply(now, peer, Frame.Open(body));
        }
        catch (ProtocolException e)
        {
            handshake.HandleViolation(now, link, e.Message);
        }
    }

    private void Apply(TimeSpan now, Peer peer, in Frame frame)
    {
        ServicesMessage message = frame.Read<ServicesMessage>();
        ImmutableArray<ServiceName> before = peer.Services;
        if (peer.TryUpdateServices(message.Version, message.Services))
        {
            context.Machines.ServicesChanged(now, peer, before);
        }
    }

    private sealed class News
    {
        /// <summary>The newest list of services that waits to be read.</summary>
        public byte[]? Unread { get; set; }

        /// <summary>How often the peer may still say what it runs.</summary>
        public TokenBucket Allowance { get; } = new(PerSecond, AtOnceMax);
    }
}
