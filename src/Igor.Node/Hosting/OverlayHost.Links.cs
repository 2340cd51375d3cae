using Igor.Kbr.Overlay.Machines;
using Igor.Node.Reporting;
using Igor.Node.Transport.Links;

namespace Igor.Node.Hosting;

/// <content>What the transport tells the overlay node.</content>
internal sealed partial class OverlayHost : ILinkConsumer
{
    /// <summary>Whose frame is being handled: what comes of it is done in that link's turn.</summary>
    private WorkSource? _askedBy;

    /// <inheritdoc/>
    public void LinkOpened(TlsLink link, DialId? dial, DialProgress progress)
    {
        NodeLog.LinkOpened(_log, link.Id.Value, link.RemoteAddress, link.Peer);
        if (_closed)
        {
            Transport.Close(link.Id);
            return;
        }

        ReadWallClock();
        Overlay.HandleLinkOpened(Now, link.Id, link.Peer, dial, link.RemoteAddress, progress);
    }

    /// <inheritdoc/>
    public void DialFailed(DialId dial, string cause)
    {
        if (!_closed)
        {
            Overlay.HandleDialFailed(Now, dial, cause);
        }
    }

    /// <inheritdoc/>
    public void LinkClosed(TlsLink link, string cause)
    {
        if (link.BrokeProtocol)
        {
            NodeLog.ProtocolError(_log, link.Peer, cause);
        }

        NodeLog.LinkClosed(_log, link.Id.Value, link.RemoteAddress, cause);
        if (!_closed)
        {
            Overlay.HandleLinkClosed(Now, link.Id, cause);
        }
    }

    /// <inheritdoc/>
    public void FrameArrived(TlsLink link, ReadOnlyMemory<byte> body)
    {
        Counters.CountReceived(body.Length + FrameWriter.LengthBytes);
        if (!_closed)
        {
            ReadWallClock();
            _askedBy = link.Work;
            try
            {
                Overlay.HandleFrame(Now, link.Id, body);
            }
            finally
            {
                _askedBy = null;
            }
        }
    }
}
