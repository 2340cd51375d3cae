namespace Igor.Node.Transport.Links;

/// <summary>
/// Settings of a <see cref="TlsTransport"/>; <see cref="IgorNodeOptions"/> says what they mean.
/// </summary>
internal sealed record TransportOptions
{
    /// <summary>Time for a TCP connection.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Time for the first bytes of a connection from outside.</summary>
    public TimeSpan FirstBytesTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Time for a TLS handshake.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for a closing link to send what waits and for the other end to close too.</summary>
    public TimeSpan LingerTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Most connections from outside that wait for their handshake.</summary>
    public int PendingConnectionsMax { get; init; } = 4096;

    /// <summary>Most handshakes at once, for each direction.</summary>
    public int HandshakesMax { get; init; } = 256;

    /// <summary>Most handshakes begun in a second with ends that connected.</summary>
    public int HandshakesPerSecondMax { get; init; } = 100;

    /// <summary>Frames that a stranger may send in a second.</summary>
    public int StrangerFramesPerSecond { get; init; } = 1000;

    /// <summary>Bytes that a stranger may send in a second.</summary>
    public int StrangerBytesPerSecond { get; init; } = 8 * 1024 * 1024;

    /// <summary>Most connections at once.</summary>
    public int ConnectionsMax { get; init; } = 1024;

    /// <summary>Most bytes that wait on a link.</summary>
    public int OutgoingBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>Time in which an end for which bytes wait has to take some of them.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Largest body of a frame, in bytes.</summary>
    public int FrameBytesMax { get; init; } = 2 * 1024 * 1024;
}
