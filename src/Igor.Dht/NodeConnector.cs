using Igor.Client;
using Igor.Dht.Protocol;
using Igor.Dht.Storage;
using Igor.Dht.Storage.OnDisk;
using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Local.Paths;
using Igor.Node;
using Igor.Node.Disk;
using Igor.Node.Reporting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Igor.Dht;

/// <summary>
/// Finds the ground a DHT stands on. What was named is used or the opening fails: a socket that the user
/// named, and at which nobody listens, must not end in a lonely node that acknowledges records nobody else
/// will ever see. Only where nothing was named, or a data folder that no node serves, a node is embedded.
/// </summary>
internal sealed class NodeConnector
{
    private static readonly TimeSpan s_shortPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_folderPoll = TimeSpan.FromMilliseconds(25);

    private readonly IgorDhtOptions _options;
    private readonly ILogger _log;
    private readonly LocalSocketPlace _socket;

    private NodeConnector(IgorDhtOptions options)
    {
        _options = options;
        _log = (options.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger("Igor.Dht");
        _socket = LocalSocketPath.Find(
            options.Socket, options.SocketNamedBy, options.Data, NamedOverVariable(options));
    }

    private string Data => Path.GetFullPath(_options.Data ?? DataFolder.DefaultPath);

    private string Records => DataFolderHome.RecordsIn(Data);

    private bool IsClientThroughBootstrap => _options is { Role: ServiceRole.Client, Bootstrap.Count: > 0 };

    /// <summary>
    /// Attaches to a node, or makes one. A data folder that another process has in use is waited for: that is
    /// either a command that ends soon, or a node whose socket is about to open.
    /// </summary>
    /// <exception cref="NodeStartException">The folder or the address cannot be used.</exception>
    /// <exception cref="RecordStoreException">The store cannot be opened.</exception>
    /// <exception cref="KbrException">Who listens at the socket, or should, does not serve us.</exception>
    /// <exception cref="DhtException">There is no store, and none is to be made.</exception>
    public static Task<NodeConnection> RunAsync(
        IgorDhtOptions options, CancellationToken cancellationToken) =>
        new NodeConnector(options).RunAsync(cancellationToken);

    /// <summary>
    /// What says, for a client, which node it means. A member keeps its records in the folder whichever node
    /// it stands behind, so that a folder says nothing of the socket.
    /// </summary>
    private static string? NamedOverVariable(IgorDhtOptions options) => options switch
    {
        { Role: ServiceRole.Member } => null,
        { Data: { } data } => $"the data folder {data}",
        { Bootstrap.Count: > 0 } => "a node to join through",
        _ => null,
    };

    private async Task<NodeConnection> RunAsync(CancellationToken cancellationToken)
    {
        if (_options.UseDaemon && _socket.PassedOver is { } passedOver)
        {
            Note(passedOver);
        }

        if (_options.UseDaemon && _socket.NamedBy is not null && !_options.ServeSocket)
        {
            IgorClient client = await IgorClient.ConnectAsync(ClientOptions(_socket.Path), cancellationToken)
                .ConfigureAwait(false);
            return await AttachAsync(client, cancellationToken).ConfigureAwait(false);
        }

        TimeSpan patience = _options.Role == ServiceRole.Client ? _options.Timeout : s_shortPatience;
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            if (await TryAttachAsync(cancellationToken).ConfigureAwait(false) is { } attached)
            {
                return attached;
            }

            try
            {
                return await EmbedAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (NodeStartException problem) when (
                problem.IsFolderInUse && TimeProvider.System.GetElapsedTime(started) < patience)
            {
                await Task.Delay(s_folderPoll, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Attaches to who listens at the socket; a client of a folder that a node uses with another socket,
    /// there. Bootstrap addresses that a client names, and no socket or folder, are what it wants to go
    /// through.
    /// </summary>
    private async Task<NodeConnection?> TryAttachAsync(CancellationToken cancellationToken)
    {
        bool namesPlace = _socket.NamedBy is not null || _options.Data is not null;
        if (!_options.UseDaemon || (IsClientThroughBootstrap && !namesPlace))
        {
            return null;
        }

        IgorClient? client = await IgorClient.TryConnectAsync(ClientOptions(_socket.Path), cancellationToken)
            .ConfigureAwait(false);
        if (client is null
            && _options.Role == ServiceRole.Client
            && DataFolder.FindHolder(Data)?.Socket is { } socket)
        {
            client = await IgorClient.TryConnectAsync(ClientOptions(socket), cancellationToken)
                .ConfigureAwait(false);
        }

        return client is null ? null : await AttachAsync(client, cancellationToken).ConfigureAwait(false);
    }

    private IgorClientOptions ClientOptions(string socket) => new()
    {
        SocketPath = socket,
        SocketNamedBy = _socket.NamedBy,
        Network = _options.Network,
        ConnectTimeout = _options.Timeout,
        Logger = _options.LoggerFactory?.CreateLogger("Igor.Client") ?? NullLogger.Instance,
    };

    private async Task<NodeConnection> AttachAsync(IgorClient client, CancellationToken cancellationToken)
    {
        if (_options.Role == ServiceRole.Client)
        {
            return new NodeConnection(DhtAttachment.DaemonClient, client);
        }

        var connection = new NodeConnection(DhtAttachment.DaemonMember, client);
        return await WithStoreAsync(connection, client.Network, cancellationToken).ConfigureAwait(false);
    }

    private async Task<NodeConnection> EmbedAsync(CancellationToken cancellationToken)
    {
        if (IsClientThroughBootstrap)
        {
            IgorNode client = await IgorNode.StartAsync(
                NodeOptions(null) with { Overlay = new OverlayOptions { JoinsRing = false } },
                _options.LoggerFactory,
                cancellationToken).ConfigureAwait(false);
            return new NodeConnection(DhtAttachment.EmbeddedClient, client);
        }

        bool isNew = !LiteDbRecordStore.IsStore(Records);
        if (isNew && !_options.CreatesStore)
        {
            throw DataFolder.FindHolder(Data) is { } holder ? NotYetServed(holder) : NoStore();
        }

        IgorNodeOptions options = NodeOptions(FolderOfNode());

        // Before the folder is bound to that name.
        DataFolderHome.Instance.CheckNetwork(Records, options.Network);
        IgorNode node = await IgorNode.StartAsync(
            options with { Listen = _options.Listen, Found = _options.Found },
            _options.LoggerFactory,
            cancellationToken).ConfigureAwait(false);
        var connection = new NodeConnection(DhtAttachment.EmbeddedMember, node)
        {
            SocketToServe = _options.ServeSocket ? _socket.Path : null,
        };
        await WithStoreAsync(connection, options.Network, cancellationToken).ConfigureAwait(false);
        NoteEmbedding(node, isNew);
        return connection;
    }

    /// <summary>
    /// Who only reads makes no identity either: a store that stood behind the node of another process has
    /// none beside it.
    /// </summary>
    private string? FolderOfNode() => _options.CreatesStore || DataFolder.HoldsIdentity(Data) ? Data : null;

    private IgorNodeOptions NodeOptions(string? folder) => new()
    {
        DataFolder = folder,
        Bootstrap = _options.Bootstrap,
        Network = _options.Network ?? IgorDhtOptions.DefaultNetwork,
        Overlay = new OverlayOptions { UpkeepBytesPerSecond = _options.UpkeepBytesPerSecond },
    };

    private async Task<NodeConnection> WithStoreAsync(
        NodeConnection connection, string network, CancellationToken cancellationToken)
    {
        try
        {
            FolderNetwork.Check(Data, network);
            bool wasUnbound = LiteDbRecordStore.IsStore(Records)
                && DataFolderHome.Instance.ReadNetwork(Records) is null;
            await connection.OpenStoreAsync(
                Data, _options.Store with { Network = network }, cancellationToken).ConfigureAwait(false);
            if (wasUnbound)
            {
                Note($"the records in {Records} named no network; from now on they belong to '{network}'");
            }

            return connection;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private void NoteEmbedding(IgorNode node, bool isNew)
    {
        if (node.Note is { } bound)
        {
            Note(bound);
        }

        if (_options.ServeSocket && _socket.Note is { } odd)
        {
            Note(odd);
        }

        if (isNew && _options is { Role: ServiceRole.Client, UseDaemon: true })
        {
            Note(
                $"no node listens at {_socket.Path}: this process is a node of its own, alone in the network "
                + $"'{node.Options.Network}', and keeps its records in a new store in {Data}. To use a node "
                + "that runs, name its socket with --socket PATH");
        }
    }

    private DhtException NoStore() => new(
        DhtError.NoStore,
        $"{(_options.UseDaemon ? $"No node listens at {_socket.Path}, and there" : "There")} is no store in "
        + $"{Data}. Start a node with 'igor-dht serve' or 'igord', or name the socket of one that runs with "
        + "--socket PATH."
        + (_socket.Note is null ? "" : $" ({_socket.Note})"));

    private NodeStartException NotYetServed(FolderHolder holder) =>
        new($"The data folder {Data} is used by {holder}, which has opened neither a socket nor a store "
            + "yet. Try again, or see what it waits for.")
        {
            IsFolderInUse = true,
        };

    private void Note(string text)
    {
        DhtLog.Noted(_log, text);
        _options.Noted?.Invoke(text);
    }
}
