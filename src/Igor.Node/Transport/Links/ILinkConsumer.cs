using Igor.Kbr.Overlay.Machines;

namespace Igor.Node.Transport.Links;

/// <summary>Who hears of links. All calls come on the strand of the transport.</summary>
internal interface ILinkConsumer
{
    /// <summary>A connection is open and its other end has proved its id.</summary>
    /// <param name="link">The connection.</param>
    /// <param name="dial">The attempt that led to it; null when the peer connected to us.</param>
    /// <param name="progress">Which of the attempt's addresses led there.</param>
    void LinkOpened(TlsLink link, DialId? dial, DialProgress progress);

    /// <summary>An attempt to connect failed.</summary>
    void DialFailed(DialId dial, string cause);

    /// <summary>A connection broke, or the other end closed it; not called for one that we closed.</summary>
    void LinkClosed(TlsLink link, string cause);

    /// <summary>A frame arrived; the body is valid during the call only.</summary>
    void FrameArrived(TlsLink link, ReadOnlyMemory<byte> body);
}
