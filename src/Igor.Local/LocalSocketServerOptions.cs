using Igor.Kbr.Overlay.Machines;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Igor.Local;

/// <summary>How a daemon serves the applications on its host.</summary>
public sealed record LocalSocketServerOptions
{
    /// <summary>The socket's path, at most 107 bytes; its folder is made if it is not there.</summary>
    public required string Path { get; init; }

    /// <summary>The name of the node's network, told to applications.</summary>
    /// <value>Default: "igor".</value>
    public string Network { get; init; } = "igor";

    /// <summary>Largest payload of a message, in bytes, told to applications; that of the node.</summary>
    /// <value>Default: 1 MiB and 64 KiB, as in <see cref="OverlayOptions.PayloadBytesMax"/>.</value>
    public int PayloadBytesMax { get; init; } = new OverlayOptions().PayloadBytesMax;

    /// <summary>Most applications attached at once; further ones are refused. 1 to 65536.</summary>
    /// <value>Default: 256.</value>
    public int SessionsMax { get; init; } = 256;

    /// <summary>Most services that one application is attached to. 1 to 65536.</summary>
    /// <value>Default: 64.</value>
    public int SubscriptionsMax { get; init; } = 64;

    /// <summary>
    /// Most requests of one application that wait for their end; further ones end as overloaded.
    /// </summary>
    /// <value>Default: 16384.</value>
    public int RequestsMax { get; init; } = 16 * 1024;

    /// <summary>
    /// Most deliveries to one application that may still be answered; the oldest is forgotten beyond.
    /// </summary>
    /// <value>Default: 65536.</value>
    public int DeliveriesMax { get; init; } = 64 * 1024;

    /// <summary>
    /// Most passing messages that wait for one application's decision; beyond, the oldest goes on undecided.
    /// </summary>
    /// <value>Default: 1024.</value>
    public int ForwardsMax { get; init; } = 1024;

    /// <summary>
    /// Most bytes that wait for one application to read. Beyond, its requests end as overloaded and messages
    /// to it are dropped. At least as large as <see cref="PayloadBytesMax"/>.
    /// </summary>
    /// <value>Default: 16 MiB.</value>
    public int OutgoingBytesMax { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// An application for which the most bytes wait, and which has read nothing for this long, is
    /// disconnected.
    /// </summary>
    /// <value>Default: 5 s: longer than any pause of a healthy process.</value>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a new connection may take to say hello.</summary>
    /// <value>Default: 10 s.</value>
    public TimeSpan HelloTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Where sessions are reported.</summary>
    /// <value>Default: nowhere.</value>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}
