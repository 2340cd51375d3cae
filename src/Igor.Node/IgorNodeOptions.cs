using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;

namespace Igor.Node;

/// <summary>Settings of an <see cref="IgorNode"/>.</summary>
public sealed record IgorNodeOptions
{
    /// <summary>
    /// The folder that holds everything the node keeps: its identity, known peers, and what applications put
    /// below it. Null: the node keeps nothing and has a new identity each time, as a client that lives for a
    /// second wants.
    /// </summary>
    public string? DataFolder { get; init; }

    /// <summary>
    /// Where to listen (host:port, IPv6 as [::1]:port; port 0 takes a free one, the host 0.0.0.0 or [::] all
    /// interfaces). Null: listen nowhere.
    /// </summary>
    public string? Listen { get; init; }

    /// <summary>
    /// Addresses (host:port) that peers are told to reach this node at; 0 to 4. None: the address it listens
    /// on or, when that means all interfaces, the addresses of the interfaces.
    /// </summary>
    public IReadOnlyList<string> Advertise { get; init; } = [];

    /// <summary>
    /// Addresses (host:port) of nodes to join through. None, and no member known from an earlier run: the
    /// node founds a ring. 0 to 64.
    /// </summary>
    public IReadOnlyList<string> Bootstrap { get; init; } = [];

    /// <summary>
    /// Whether the node may found a ring although it was given somebody to join, or knows members from an
    /// earlier run, and reaches none of them. Otherwise it is alone until it does (see
    /// <see cref="RingState.Alone"/>).
    /// </summary>
    /// <value>Default: false, since the others may well have a ring that it does not see.</value>
    public bool Found { get; init; }

    /// <summary>The network's name, 1 to 64 characters; peers of another network are refused.</summary>
    /// <value>Default: "igor".</value>
    public string Network { get; init; } = "igor";

    /// <summary>
    /// Settings of the overlay protocol. Network, addresses, whom to join and whether to found come from
    /// this node's own settings and its data folder, whatever stands there.
    /// </summary>
    public OverlayOptions Overlay { get; init; } = new();

    /// <summary>Time for a TCP connection to an address, name look-up included. 0.1 s to 2 min.</summary>
    /// <value>Default: 5 s.</value>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Time for whoever connects to say something; once it has begun, to say all that a TLS client says
    /// first. 0.1 s to 2 min.
    /// </summary>
    /// <value>Default: 2 s: a lost packet is sent again within one.</value>
    public TimeSpan FirstBytesTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Time for the TLS handshake, from the open connection on. 0.1 s to 2 min.</summary>
    /// <value>Default: 10 s, since a small machine that starts many nodes at once is slow.</value>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for saying goodbye when the node is disposed. 0 to 1 min.</summary>
    /// <value>Default: 2 s.</value>
    public TimeSpan LeaveTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Most connections from outside that wait for their TLS handshake, but no more than a quarter of the
    /// files that the system lets the process open. Beyond, the oldest silent one of the address with most of
    /// them is closed. 16 to 65536.
    /// </summary>
    /// <value>Default: 4096: one costs a socket and 1 KiB.</value>
    public int PendingConnectionsMax { get; init; } = 4096;

    /// <summary>
    /// Most TLS handshakes at once, for each direction; beyond, the oldest unfinished one of the address with
    /// most of them gives way to the next. 1 to 4096.
    /// </summary>
    /// <value>Default: 256: one that is left unfinished costs some 240 KiB.</value>
    public int HandshakesMax { get; init; } = 256;

    /// <summary>
    /// Most TLS handshakes begun in a second with ends that connected, each address in turn; the next wait.
    /// What is not used gathers, for four seconds. 1 to 100000.
    /// </summary>
    /// <value>
    /// Default: 100, and 400 at once. With what follows one takes some 3 ms of a processor, a flood of them a
    /// third of one. With 256 at once it leaves each more than two seconds to answer.
    /// </value>
    public int HandshakesPerSecondMax { get; init; } = 100;

    /// <summary>
    /// Frames in a second that are taken from a stranger, a peer that is no neighbour or finger; twice as
    /// many at once. All of one address may send four times, all together eight times as many. What is sent
    /// beyond waits at its sender. The only peer of a node without members is not held to it. 10 to 1000000.
    /// </summary>
    /// <value>Default: 1000, which leaves nine tenths of a processor to others.</value>
    public int StrangerFramesPerSecond { get; init; } = 1000;

    /// <summary>Bytes in a second that are taken from a stranger, in the same way. 64 KiB to 1 GiB.</summary>
    /// <value>Default: 8 MiB.</value>
    public int StrangerBytesPerSecond { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// Most connections at once. Beyond, one that has said no hello or else the stranger that was silent
    /// longest gives way; members of the ring keep theirs. 8 to 65536.
    /// </summary>
    /// <value>Default: 1024.</value>
    public int ConnectionsMax { get; init; } = 1024;

    /// <summary>Most bytes that wait to be sent on one connection. 64 KiB to 1 GiB.</summary>
    /// <value>Default: 8 MiB, several of the largest messages.</value>
    public int OutgoingBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// Most bytes that the node holds for others: frames that wait to be sent or are being received, payloads
    /// and records on their way. Beyond their share of it peers and applications are answered that the node
    /// is busy. At least 12 times the largest payload, up to 16 GiB.
    /// </summary>
    /// <value>Default: 64 MiB.</value>
    public long HeldBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// A peer for which bytes wait and that takes next to none of them for this long, or that does not go on
    /// with a frame, is disconnected. 1 s to 10 min.
    /// </summary>
    /// <value>Default: 10 s: longer than any pause of a healthy process.</value>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most calls of applications that wait for the node. 16 to 1048576.</summary>
    /// <value>Default: 65536.</value>
    public int QueueMax { get; init; } = 65536;

    /// <summary>The clock and timers.</summary>
    /// <value>Default: the system's.</value>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
