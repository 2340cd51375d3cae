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
internal sealed class ServiceNews(NodeContext context, Handshake handshake)
{
    private const int AtOnceMax = 8; // a node that starts announces its services one after the other
    private const int PerSecond = 2;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1.0 / PerSecond);

    /// <summary>How often a peer that has just connected may say what it runs.</summary>
    public static TokenBucket NewAllowance() => new(PerSecond, AtOnceMax);

    /// <summary>Takes a frame with a list, of which only the version is read at once.</summary>
    public void Handle(TimeSpan now, Link link, Peer peer, ReadOnlyMemory<byte> body)
    {
        PeerCodec.Require(
            ServicesMessage.TryReadVersion(body, out ulong version), "a list of services has a version");
        if (version <= peer.ServicesVersion)
        {
            return; // it was known before, perhaps over another link
        }

        if (peer.UnreadServices is null && peer.Announcements.TryTake(now))
        {
            Apply(now, link, peer, body);
            return;
        }

        PeerCodec.Require(body.Length <= WireLimits.ServicesBytesMax, "a list of services is not that long");
        if (peer.UnreadServices is not { } unread)
        {
            peer.UnreadServices = body.ToArray();
            context.Timers.Schedule(now + Pause, later => ApplyUnread(later, link, peer));
        }
        else if (ServicesMessage.TryReadVersion(unread, out ulong kept) && version > kept)
        {
            peer.UnreadServices = body.ToArray();
        }
    }

    private void ApplyUnread(TimeSpan now, Link link, Peer peer)
    {
        if (peer.UnreadServices is not { } body || !context.Peers.TryGet(peer.Id, out Peer? known)
            || known != peer)
        {
            return;
        }

        peer.UnreadServices = null;
        peer.Announcements.TryTake(now);
        Apply(now, link, peer, body);
    }

    private void Apply(TimeSpan now, Link link, Peer peer, ReadOnlyMemory<byte> body)
    {
        if (!WireMessage.TryRead(body, out ServicesMessage news, out string? rule))
        {
            handshake.HandleViolation(now, link, rule);
            return;
        }

        ImmutableArray<ServiceName> before = peer.Services;
        if (peer.TryUpdateServices(news.Version, news.Services))
        {
            handshake.ServicesChanged(now, peer, before);
        }
    }
}
