using Igor.Dht.Protocol;
using Igor.Dht.Storage;
using Igor.Kbr;
using Igor.Node.Addresses;
using Microsoft.Extensions.Logging;

namespace Igor.Dht;

/// <summary>How to take part in a DHT.</summary>
public sealed record IgorDhtOptions
{
    /// <summary>The network of an embedded node that is given none.</summary>
    public const string DefaultNetwork = "igor";

    private const int BootstrapMax = 64; // what a node takes

    /// <summary>
    /// The folder that holds everything this process keeps: identity, known peers, records. It belongs to the
    /// network that it was first used in. Null: what IGOR_DATA says, else $XDG_DATA_HOME/igor, else
    /// $HOME/.local/share/igor.
    /// </summary>
    public string? Data { get; init; }

    /// <summary>
    /// The local socket of the node to attach to. One that is named, here or by IGOR_SOCKET, is used: where
    /// nobody listens at it, opening is local trouble, unless this process is to open it (<see
    /// cref="ServeSocket"/>). A client that is given <see cref="Data"/> or <see cref="Bootstrap"/> passes
    /// over IGOR_SOCKET, and notes that. Null, and no IGOR_SOCKET: igor.sock in a folder that was named, by
    /// <see cref="Data"/> or IGOR_DATA; else $XDG_RUNTIME_DIR/igor/igor.sock (passed over where that folder
    /// is not there or cannot be written); else igor.sock in the default data folder. Where nobody listens at
    /// such a default socket, a node is embedded.
    /// </summary>
    public string? Socket { get; init; }

    /// <summary>How the user knows <see cref="Socket"/>, such as "--socket": errors say it.</summary>
    /// <value>Default: "Socket".</value>
    public string SocketNamedBy { get; init; } = nameof(Socket);

    /// <summary>
    /// Whether to attach to a node at the socket. False: this process has a node of its own, and the socket
    /// is only what <see cref="ServeSocket"/> opens.
    /// </summary>
    /// <value>Default: true.</value>
    public bool UseDaemon { get; init; } = true;

    /// <summary>
    /// Whether an identity and a store may be made in a data folder that has no store. If not, and there is
    /// neither a node to attach to nor a store, opening ends with <see cref="DhtError.NoStore"/> and leaves
    /// no trace: right for whoever only reads.
    /// </summary>
    /// <value>Default: true.</value>
    public bool CreatesStore { get; init; } = true;

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

    /// <summary>
    /// The network's name, 1 to 64 characters. A node at the socket that belongs to another is refused, and
    /// so is a data folder. Null: whatever network the node at the socket belongs to, else <see
    /// cref="DefaultNetwork"/>.
    /// </summary>
    public string? Network { get; init; }

    /// <summary>
    /// A member holds records for others. A client does not, with one exception: without a daemon and without
    /// bootstrap addresses it keeps its own records in the data folder, a ring of one.
    /// </summary>
    /// <value>Default: client.</value>
    public ServiceRole Role { get; init; } = ServiceRole.Client;

    /// <summary>Time after which an operation gives up, and opening too. 0.1 s to 10 min.</summary>
    /// <value>Default: 10 s.</value>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a member that is closed gives others what they lack of its records. It takes no time where
    /// they lack nothing or there is nobody. 0 to 10 min.
    /// </summary>
    /// <value>Default: 10 s.</value>
    public TimeSpan LeaveTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Largest value of a record, in bytes. 1 to 1 MiB.</summary>
    /// <value>Default: 1 MiB; more belongs into a file store.</value>
    public int ValueBytesMax { get; init; } = 1024 * 1024;

    /// <summary>
    /// How far the version of a record may be ahead of the network's time; a member refuses one that is more.
    /// 1 s to 1 day. All members of a network had better have the same.
    /// </summary>
    /// <value>Default: 60 s, above what clocks without care are off, and soon over.</value>
    public TimeSpan VersionAheadMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long a node has to be there before this one lets it vote about registers. 0 to 1 day.
    /// </summary>
    /// <value>Default: 60 s, so that a guest who leaves at once blocks nobody.</value>
    public TimeSpan VoteAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// What a node of its own may spend to keep its rings up, in bytes a second over all. 200 to 1,000,000.
    /// </summary>
    /// <value>Default: 400; more keeps more fingers, and routes shorter, where nodes come and go.</value>
    public int UpkeepBytesPerSecond { get; init; } = 400;

    /// <summary>
    /// How a member keeps records: quota, cache and more. The folder is `records` in the data folder.
    /// </summary>
    public RecordStoreOptions Store { get; init; } = new();

    /// <summary>
    /// Told, while opening, what the user should know and no error says: that a new store was made, that a
    /// folder was bound to a network. Sentences for people. Null: they are only logged.
    /// </summary>
    public Action<string>? Noted { get; init; }

    /// <summary>Where to log; null for nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>
    /// What is wrong with an address, as the end of a sentence that says what was written; null when nothing
    /// is.
    /// </summary>
    /// <param name="text">What was written.</param>
    /// <param name="isToListen">Whether it is for <see cref="Listen"/>: port 0, a free one, is
    /// allowed.</param>
    public static string? AddressFault(string text, bool isToListen) => HostPort.Fault(text, isToListen);

    /// <summary>Throws when an option is out of its range.</summary>
    /// <exception cref="ArgumentException">The message names the option and the value.</exception>
    public void Validate()
    {
        CheckTimeout(Timeout);
        if (LeaveTimeout < TimeSpan.Zero || LeaveTimeout > TimeSpan.FromMinutes(10))
        {
            throw new ArgumentException(
                $"LeaveTimeout is {LeaveTimeout}; it can be 0 to 10 min.", nameof(LeaveTimeout));
        }

        if (VoteAfter < TimeSpan.Zero || VoteAfter > TimeSpan.FromDays(1))
        {
            throw new ArgumentException(
                $"{nameof(VoteAfter)} is {VoteAfter}; it goes from 0 to 1 day.", nameof(VoteAfter));
        }

        if (UpkeepBytesPerSecond is < 200 or > 1_000_000)
        {
            throw new ArgumentException(
                $"UpkeepBytesPerSecond is {UpkeepBytesPerSecond}; it can be 200 to 1,000,000.",
                nameof(UpkeepBytesPerSecond));
        }

        CheckPath(nameof(Data), Data);
        CheckPath(nameof(Socket), Socket);
        CheckAddresses();
        if (ValueBytesMax is < 1 or > 1024 * 1024)
        {
            throw new ArgumentException(
                $"ValueBytesMax is {ValueBytesMax}; it can be 1 to {1024 * 1024}.", nameof(ValueBytesMax));
        }

        if (VersionAheadMax < TimeSpan.FromSeconds(1) || VersionAheadMax > TimeSpan.FromDays(1))
        {
            throw new ArgumentException(
                $"VersionAheadMax is {VersionAheadMax}; it can be 1 s to 1 day.", nameof(VersionAheadMax));
        }

        if (Network is not null && !ServiceId.IsValidName(Network))
        {
            throw new ArgumentException(
                $"Network is '{PrintableText.Of(Network)}'; it has {ServiceId.NameRule}.",
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

    private static void CheckPath(string name, string? path)
    {
        if (path is not null
            && (string.IsNullOrWhiteSpace(path) || path.Contains('\0', StringComparison.Ordinal)))
        {
            throw new ArgumentException(
                $"{name} is '{path}'; it must be a path, or null for the default one.", name);
        }
    }

    private void CheckAddresses()
    {
        if (Listen is not null && HostPort.Fault(Listen, isToListen: true) is { } listenFault)
        {
            throw new ArgumentException($"Listen is '{Listen}'; {listenFault}.", nameof(Listen));
        }

        if (Bootstrap.Count > BootstrapMax)
        {
            throw new ArgumentException(
                $"Bootstrap has {Bootstrap.Count} addresses; {BootstrapMax} are enough.", nameof(Bootstrap));
        }

        foreach (string address in Bootstrap)
        {
            if (HostPort.Fault(address ?? "", isToListen: false) is { } fault)
            {
                throw new ArgumentException($"Bootstrap holds '{address}'; {fault}.", nameof(Bootstrap));
            }
        }
    }
}
