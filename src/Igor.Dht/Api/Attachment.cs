using Igor.Client;
using Igor.Dht.Storage;
using Igor.Kbr;
using Igor.Node;
using Microsoft.Extensions.Logging.Abstractions;

namespace Igor.Dht;

/// <summary>
/// The ground a DHT stands on: the local daemon or an embedded node, a store, perhaps a socket for others.
/// Disposed
/// in the order in which nothing is pulled away from under what still stands on it.
/// </summary>
internal sealed class Attachment : IAsyncDisposable
{
    private LocalSocketServer? _server;

    private Attachment(DhtAttachment kind, IKbrHost host)
    {
        Kind = kind;
        Host = host;
    }

    /// <summary>How this process takes part.</summary>
    public DhtAttachment Kind { get; }

    /// <summary>The daemon or the node.</summary>
    public IKbrHost Host { get; }

    /// <summary>The service, once it is subscribed.</summary>
    public IKbrService? Service { get; private set; }

    /// <summary>Where records are kept; null for a client.</summary>
    public LiteDbRecordStore? Store { get; private set; }

    /// <summary>
    /// The local socket: where this process attached, or what it serves; null when neither.
    /// </summary>
    public string? Socket => Host is IgorClient client ? client.SocketPath : _server?.Path;

    /// <summary>The data folder; null when this process keeps nothing.</summary>
    public string? Data { get; private set; }

    /// <summary>Member or client of the service.</summary>
    public ServiceRole Role => Store is null ? ServiceRole.Client : ServiceRole.Member;

    /// <summary>
    /// Attaches to the daemon, or makes a node. A data folder that another process has in use is waited for:
    /// that is
    /// either a command that ends soon, or a node whose socket is about to open.
    /// </summary>
    /// <exception cref="NodeStartException">The folder or the address cannot be used.</exception>
    /// <exception cref="RecordStoreException">The store cannot be opened.</exception>
    /// <exception cref="KbrException">Who listens at the socket does not serve us.</exception>
    public static async Task<Attachment> OpenAsync(
        IgorDhtOptions options, CancellationToken cancellationToken)
    {
        TimeSpan patience = options.Role == ServiceRole.Client ? options.Timeout : ShortPatience;
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            if (options.UseDaemon
                && await TryDaemonAsync(options, cancellationToken).ConfigureAwait(false) is { } attached)
            {
                return attached;
            }

            try
            {
                return options is { Role: ServiceRole.Client, Bootstrap.Count: > 0 }
                    ? await EmbedClientAsync(options, cancellationToken).ConfigureAwait(false)
                    : await EmbedMemberAsync(options, cancellationToken).ConfigureAwait(false);
            }
            catch (NodeStartException problem) when (
                problem.IsFolderInUse && TimeProvider.System.GetElapsedTime(started) < patience)
            {
                await Task.Delay(FolderPoll, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync().ConfigureAwait(false);
        }

        if (Service is not null)
        {
            await Service.DisposeAsync().ConfigureAwait(false);
        }

        // The node's lock on the data folder goes last: who takes it may open the store.
        if (Store is not null)
        {
            await Store.DisposeAsync().ConfigureAwait(false);
        }

        await Host.DisposeAsync().ConfigureAwait(false);
    }

    private static TimeSpan ShortPatience => TimeSpan.FromSeconds(2);

    private static TimeSpan FolderPoll => TimeSpan.FromMilliseconds(25);

    private static string SocketOf(IgorDhtOptions options) =>
        options.Socket ?? LocalSocketServerOptions.DefaultPath(options.Data);

    private static string DataOf(IgorDhtOptions options) => options.Data ?? DataFolder.DefaultPath;

    private static async Task<Attachment?> TryDaemonAsync(
        IgorDhtOptions options, CancellationToken cancellationToken)
    {
        IgorClient? client = await IgorClient.TryConnectAsync(
            new IgorClientOptions
            {
                SocketPath = SocketOf(options),
                ConnectTimeout = options.Timeout,
                Logger = options.LoggerFactory?.CreateLogger("Igor.Client") ?? NullLogger.Instance,
            },
            cancellationToken).ConfigureAwait(false);
        if (client is null)
        {
            return null;
        }

        if (options.Role == ServiceRole.Client)
        {
            return new Attachment(DhtAttachment.DaemonClient, client);
        }

        var attachment = new Attachment(DhtAttachment.DaemonMember, client);
        return await attachment.WithStoreAsync(options, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<Attachment> EmbedClientAsync(
        IgorDhtOptions options, CancellationToken cancellationToken)
    {
        IgorNode node = await IgorNode.StartAsync(
            new IgorNodeOptions
            {
                Bootstrap = options.Bootstrap,
                Network = options.Network,
                Overlay = new OverlayOptions { JoinsRing = false },
            },
            options.LoggerFactory,
            cancellationToken).ConfigureAwait(false);
        return new Attachment(DhtAttachment.EmbeddedClient, node);
    }

    private static async Task<Attachment> EmbedMemberAsync(
        IgorDhtOptions options, CancellationToken cancellationToken)
    {
        IgorNode node = await IgorNode.StartAsync(
            new IgorNodeOptions
            {
                DataFolder = DataOf(options),
                Listen = options.Listen,
                Bootstrap = options.Bootstrap,
                Found = options.Found,
                Network = options.Network,
            },
            options.LoggerFactory,
            cancellationToken).ConfigureAwait(false);
        var attachment = new Attachment(DhtAttachment.EmbeddedMember, node);
        await attachment.WithStoreAsync(options, cancellationToken).ConfigureAwait(false);
        return attachment;
    }

    /// <summary>Attaches the application to the service.</summary>
    public async Task<IKbrService> SubscribeAsync(
        IKbrApplication application, CancellationToken cancellationToken) =>
        Service = await Host.SubscribeAsync(
            new SubscribeOptions { Service = IgorDht.ServiceName, Role = Role },
            application,
            cancellationToken)
            .ConfigureAwait(false);

    /// <summary>Opens the socket for others, once this process can serve what they ask.</summary>
    public void Serve(IgorDhtOptions options)
    {
        if (options.ServeSocket && Host is IgorNode)
        {
            _server = LocalSocketServer.Start(
                Host, new LocalSocketServerOptions { Path = SocketOf(options), Network = options.Network });
        }
    }

    private async Task<Attachment> WithStoreAsync(IgorDhtOptions options, CancellationToken cancellationToken)
    {
        try
        {
            Data = Path.GetFullPath(DataOf(options));
            Store = await LiteDbRecordStore.OpenAsync(
                options.Store with { Folder = Path.Combine(Data, "records") }, cancellationToken)
                .ConfigureAwait(false);
            return this;
        }
        catch
        {
            await DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
