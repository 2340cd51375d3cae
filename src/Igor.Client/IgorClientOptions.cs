using Igor.Kbr;
using Igor.Local.Paths;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Igor.Client;

/// <summary>How an application reaches its daemon.</summary>
public sealed record IgorClientOptions
{
    /// <summary>
    /// The daemon's local socket. Null: igor.sock in <see cref="DataFolder"/> where that is given; else what
    /// IGOR_SOCKET says; else igor.sock in IGOR_DATA; else $XDG_RUNTIME_DIR/igor/igor.sock; else igor.sock in
    /// the default data folder (a runtime folder that is not there, or cannot be written, is passed over).
    /// </summary>
    public string? SocketPath { get; init; }

    /// <summary>
    /// How the caller's user knows <see cref="SocketPath"/>, such as "--socket": errors say it. Null when the
    /// user never named it.
    /// </summary>
    /// <value>Default: "SocketPath".</value>
    public string? SocketNamedBy { get; init; } = nameof(SocketPath);

    /// <summary>
    /// The network that the daemon's node must belong to; null for any at first, and that one from then on.
    /// </summary>
    public string? Network { get; init; }

    /// <summary>
    /// The daemon's data folder, to find its socket when no path is given; null for the default one.
    /// </summary>
    public string? DataFolder { get; init; }

    /// <summary>The application's name, for the daemon's log. At most 64 characters.</summary>
    /// <value>Default: the name of the process's program.</value>
    public string Application { get; init; } = AppDomain.CurrentDomain.FriendlyName;

    /// <summary>
    /// How long a daemon may take to accept the connection and say welcome. 0.1 s to 10 min.
    /// </summary>
    /// <value>Default: 5 s; it takes a millisecond unless the machine is busy starting.</value>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether to connect anew, and subscribe again, when the daemon goes away.</summary>
    /// <value>Default: true.</value>
    public bool Reconnects { get; init; } = true;

    /// <summary>
    /// Time before the first attempt to connect anew; doubled, with jitter, for each further one.
    /// </summary>
    /// <value>Default: 50 ms.</value>
    public TimeSpan ReconnectDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest time between two attempts to connect anew.</summary>
    /// <value>Default: 5 s.</value>
    public TimeSpan ReconnectDelayMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Most bytes that wait to be sent to the daemon; beyond, requests end as overloaded.</summary>
    /// <value>Default: 16 MiB.</value>
    public int OutgoingBytesMax { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// Most requests that wait for their end; beyond, requests end as overloaded. At least 1.
    /// </summary>
    /// <value>Default: 16384, what a daemon accepts from one application.</value>
    public int RequestsMax { get; init; } = 16 * 1024;

    /// <summary>Where the client reports lost connections and upcalls that throw.</summary>
    /// <value>Default: nowhere.</value>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>The socket that these options mean.</summary>
    /// <exception cref="KbrException">There is no home to look for it in.</exception>
    internal LocalSocketPlace FindSocket()
    {
        LocalSocketPlace place = LocalSocketPath.Find(
            SocketPath,
            SocketNamedBy,
            DataFolder,
            DataFolder is null ? null : $"the data folder {DataFolder}");
        if (place.PassedOver is { } passedOver)
        {
            ClientLog.Noted(Logger, passedOver);
        }

        return place;
    }
}
