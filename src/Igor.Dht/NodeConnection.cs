using Igor.Client;
using Igor.Dht.Storage;
using Igor.Dht.Storage.OnDisk;
using Igor.Dht.Storage.Voters;
using Igor.Kbr;
using Igor.Local;
using Igor.Node;

namespace Igor.Dht;

/// <summary>
/// The ground a DHT stands on: the local daemon or an embedded node, a store, perhaps a socket for others.
/// Disposed
/// in the order in which nothing is pulled away from under what still stands on it.
/// </summary>
internal sealed class NodeConnection : IAsyncDisposable
{
    private LocalSocketServer? _server;
    private bool _isRetired;

    /// <summary>Stands on a daemon or on a node of this process.</summary>
    public NodeConnection(DhtAttachment kind, IKbrHost host)
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
    /// Where promises about registers are kept; null for a client, and where the disk takes none.
    /// </summary>
    public VoterLog? Votes { get; private set; }

    /// <summary>
    /// Why this node takes no part in registers although it is a member; null when it does.
    /// </summary>
    public string? VotingTrouble { get; private set; }

    /// <summary>
    /// The local socket: where this process attached, or what it serves; null when neither.
    /// </summary>
    public string? Socket => Host is IgorClient client ? client.SocketPath : _server?.Path;

    /// <summary>The network that the store belongs to; empty for a client.</summary>
    public string Network { get; private set; } = string.Empty;

    /// <summary>The data folder; null when this process keeps nothing.</summary>
    public string? Data { get; private set; }

    /// <summary>The local socket that this process is to open; null for none.</summary>
    public string? SocketToServe { get; init; }

    /// <summary>Completes when an embedded node has to end; why, for people.</summary>
    public Task<string> Superseded =>
        Host is IgorNode node ? node.Superseded : new TaskCompletionSource<string>().Task;

    /// <summary>Member or client of the service.</summary>
    public ServiceRole Role => Store is null || _isRetired ? ServiceRole.Client : ServiceRole.Member;

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

        if (Votes is not null)
        {
            await Votes.DisposeAsync().ConfigureAwait(false);
        }

        // The node's lock on the data folder goes last: who takes it may open the store.
        if (Store is not null)
        {
            await Store.DisposeAsync().ConfigureAwait(false);
        }

        await Host.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Attaches the application to the service.</summary>
    /// <exception cref="KbrException">The node refuses, or does not answer in time.</exception>
    public async Task<IKbrService> SubscribeAsync(
        IKbrApplication application, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        try
        {
            return Service = await Host.SubscribeAsync(
                new SubscribeOptions { Service = IgorDht.ServiceName, Role = Role },
                application,
                deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new KbrException(
                $"The node{(Socket is null ? "" : $" at {Socket}")} did not let this process take part "
                + $"within {timeout.TotalSeconds:0.#} s: it hangs or is overloaded. Try again, or restart "
                + "it.",
                e);
        }
    }

    /// <summary>A member leaves the service, and attaches as a client.</summary>
    /// <exception cref="KbrException">The node is closed, or does not answer in time.</exception>
    public async Task<IKbrService> RetireAsync(IKbrApplication application, TimeSpan timeout)
    {
        _isRetired = true;
        if (Service is { } member)
        {
            await member.DisposeAsync().ConfigureAwait(false);
        }

        return await SubscribeAsync(application, timeout, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Opens the socket for others, once this process can serve what they ask.</summary>
    public void Serve()
    {
        if (SocketToServe is { } path && Host is IgorNode node)
        {
            _server = LocalSocketServer.Start(
                node, new LocalSocketServerOptions { Path = path, Network = node.Options.Network });
            node.Data?.Announce(_server.Path);
        }
    }

    /// <summary>Opens the store in a data folder.</summary>
    /// <exception cref="RecordStoreException">It cannot be opened; the message says why.</exception>
    public async Task OpenStoreAsync(
        string data, RecordStoreOptions options, CancellationToken cancellationToken)
    {
        Data = data;
        Network = options.Network ?? string.Empty;
        Store = await LiteDbRecordStore.OpenAsync(
            options with
            {
                Folder = DataFolderHome.RecordsIn(data),
                Home = DataFolderHome.Instance,
                Time = () => Host.Time,
            },
            cancellationToken).ConfigureAwait(false);
        try
        {
            Votes = await Task.Run(
                () => VoterLog.Open(DataFolderHome.RecordsIn(data), Network), cancellationToken)
                .ConfigureAwait(false);
        }
        catch (RecordStoreException e)
        {
            VotingTrouble = e.Message; // a disk that takes nothing: its records can be read all the same
        }
    }
}
