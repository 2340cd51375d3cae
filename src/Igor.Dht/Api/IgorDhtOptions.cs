using Igor.Dht.Storage;
using Igor.Kbr;
using Microsoft.Extensions.Logging;

namespace Igor.Dht;

/// <summary>How to take part in a DHT.</summary>
public sealed record IgorDhtOptions
{
    /// <summary>
    /// The folder that holds everything this process keeps: identity, known peers, records. Null for
    /// $XDG_DATA_HOME/igor, else ~/.local/share/igor.
    /// </summary>
    public string? Data { get; init; }

    /// <summary>
    /// The daemon's local socket. Null: what IGOR_SOCKET says; else igor.sock in a folder that was named,
    /// here or by IGOR_DATA; else $XDG_RUNTIME_DIR/igor/igor.sock; else igor.sock in the default data folder.
    /// </summary>
    public string? Socket { get; init; }

    /// <summary>Whether to attach to a daemon that listens at the socket.</summary>
    /// <value>Default: true.</value>
    public bool UseDaemon { get; init; } = true;

    /// <summary>
    /// Whether an embedded node opens the local socket itself, for other processes of this host.
    /// </summary>
    /// <value>Default: false.</value>
    public bool ServeSocket { get; init; }

    /// <summary>
    /// Where an embedded node listens (host:port; port 0 for a free one); null to listen nowhere.
    /// </summary>
    /// <value>Default: null.</value>
    public string? Listen { get; init; }

    /// <summary>
    /// Addresses (host:port) of nodes to join through. None, and no member known from an earlier run: an
    /// embedded node founds a ring.
    /// </summary>
    public IReadOnlyList<string> Bootstrap { get; init; } = [];

    /// <summary>
    /// Whether an embedded node may found a ring although it was given somebody to join, or knows members
    /// from an earlier run, and reaches none of them. Otherwise it is alone until it does: it reads what it
    /// holds, marked, and takes no writes.
    /// </summary>
    /// <value>Default: false, since the others may well have a ring that it does not see.</value>
    public bool Found { get; init; }

    /// <summary>The network's name, 1 to 64 characters.</summary>
    /// <value>Default: "igor".</value>
    public string Network { get; init; } = "igor";

    /// <summary>
    /// A member holds records for others. A client does not, with one exception: without a daemon and without
    /// bootstrap addresses it keeps its own records in the data folder, a ring of one.
    /// </summary>
    /// <value>Default: client.</value>
    public ServiceRole Role { get; init; } = ServiceRole.Client;

    /// <summary>Time after which an operation gives up, and opening too. 0.1 s to 10 min.</summary>
    /// <value>Default: 10 s.</value>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Largest value of a record, in bytes. 1 to 1 MiB.</summary>
    /// <value>Default: 1 MiB; more belongs into a file store.</value>
    public int ValueBytesMax { get; init; } = 1024 * 1024;

    /// <summary>
    /// How a member keeps records: quota, cache and more. The folder is `records` in the data folder.
    /// </summary>
    public RecordStoreOptions Store { get; init; } = new();

    /// <summary>Where to log; null for nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>Throws when an option is out of its range.</summary>
    /// <exception cref="ArgumentException">The message names the option and the value.</exception>
    public void Validate()
    {
        CheckTimeout(Timeout);
        if (ValueBytesMax is < 1 or > 1024 * 1024)
        {
            throw new ArgumentException(
                $"ValueBytesMax is {ValueBytesMax}; it can be 1 to {1024 * 1024}.", nameof(ValueBytesMax));
        }

        if (!ServiceId.IsValidName(Network))
        {
            throw new ArgumentException(
                $"Network is '{Network}'; it has 1 to {ServiceId.NameLengthMax} characters.",
                nameof(Network));
        }
    }

    /// <summary>Throws when the timeout of an operation is out of its range.</summary>
    internal static void CheckTimeout(TimeSpan timeout)
    {
        if (timeout < TimeSpan.FromMilliseconds(100) || timeout > TimeSpan.FromMinutes(10))
        {
            throw new ArgumentException($"Timeout is {timeout}; it can be 0.1 s to 10 min.", nameof(timeout));
        }
    }
}
