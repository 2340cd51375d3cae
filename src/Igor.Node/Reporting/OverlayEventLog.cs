using Igor.Kbr.Overlay.Machines;
using Microsoft.Extensions.Logging;

namespace Igor.Node.Reporting;

/// <summary>Writes what an overlay node raises to the log.</summary>
internal static class OverlayEventLog
{
    /// <summary>Writes one event.</summary>
    public static void Write(ILogger log, OverlayEvent raised)
    {
        switch (raised.Kind)
        {
            case OverlayEventKind.Joined:
                NodeLog.Joined(log, raised.Text);
                break;
            case OverlayEventKind.PeerConnected:
                NodeLog.PeerConnected(log, raised.Peer, raised.Text);
                break;
            case OverlayEventKind.PeerLost:
                NodeLog.PeerLost(log, raised.Peer, raised.Text);
                break;
            case OverlayEventKind.Refused:
                NodeLog.Refused(log, raised.Text);
                break;
            case OverlayEventKind.DialFailed:
                NodeLog.DialFailed(log, raised.Text);
                break;
            case OverlayEventKind.ProtocolError:
                NodeLog.ProtocolError(log, raised.Peer, raised.Text);
                break;
            case OverlayEventKind.PeerSilent:
                NodeLog.PeerSilent(log, raised.Peer, raised.Text);
                break;
            case OverlayEventKind.LimitReached:
                NodeLog.LimitReached(log, raised.Text);
                break;
            case OverlayEventKind.ClockDeviates:
                NodeLog.ClockDeviates(log, raised.Text);
                break;
            case OverlayEventKind.PeersChanged:
                break; // for the peer cache, not for people
            case OverlayEventKind.Alone:
            case OverlayEventKind.IdentityClash:
                break; // troubles, and reported as such
            case OverlayEventKind.IdentityLost:
                NodeLog.IdentityLost(log, raised.Text);
                break;
        }
    }
}
