using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage;
using Igor.Kbr;
using Igor.Node;
using Igor.Node.Memory;
using Igor.Node.Reporting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Igor.Dht;

/// <summary>
/// A distributed hash table: records that live on several nodes of a network and are found from any of them.
/// All
/// members are thread-safe.
/// </summary>
public sealed partial class IgorDht : IAsyncDisposable
{
    /// <summary>The name of the service whose members hold the records.</summary>
    public const string ServiceName = "dht";

    /// <summary>How long a member may take to say how it is: it is on this host.</summary>
    private static readonly TimeSpan MemberPatience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long a result that is there already waits for its cause: a node that is well says it in
    /// milliseconds, one that hangs never.
    /// </summary>
    private static readonly TimeSpan BarrierPatience = TimeSpan.FromSeconds(1);

    private readonly IgorDhtOptions _options;
    private readonly NodeConnection _connection;
    private readonly DhtHost _host;
    private readonly Lazy<Task> _closing;

    private IgorDht(IgorDhtOptions options, NodeConnection connection, DhtHost host)
    {
        _options = options;
        _connection = connection;
        _host = host;
        _closing = new Lazy<Task>(CloseAsync);
        _ = FollowDrainAsync();
    }

    /// <summary>The id of the node that this process is or is attached to.</summary>
    public Key NodeId => _connection.Host.NodeId;

    /// <summary>Whether the node is another process's, and this one attached to it.</summary>
    public bool IsBehindDaemon =>
        _connection.Kind is DhtAttachment.DaemonClient or DhtAttachment.DaemonMember;

    /// <summary>
    /// Completes, with the cause for people, when the embedded node has to end because another one with the
    /// same identity, as from a copy of the data folder, was there first: dispose this DHT then, and use
    /// another data folder. Never completes for one that is attached to a daemon, which ends by itself.
    /// </summary>
    public Task<string> Superseded => _connection.Superseded;

    /// <summary>What this DHT stands on.</summary>
    internal NodeConnection Connection => _connection;

    /// <summary>
    /// Attaches to the node at the local socket. Where a socket was named and nobody listens there, that is
    /// local trouble; where none was named, a node is embedded. Completes when operations can be started (a
    /// member may still be joining).
    /// </summary>
    /// <exception cref="DhtException">
    /// Local trouble: the folder, the port or the socket cannot be used, nobody listens at a socket that was
    /// named, or the node or the data folder belongs to another network. NoStore: there is neither a node nor
    /// a store, and none is to be made.
    /// </exception>
    /// <exception cref="ArgumentException">An option has a value out of its range.</exception>
    public static async Task<IgorDht> OpenAsync(
        IgorDhtOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new IgorDhtOptions();
        options.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            NodeConnection connection = await NodeConnector.RunAsync(options, cancellationToken)
                .ConfigureAwait(false);
            return await StartAsync(options, connection, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NodeStartException or RecordStoreException or KbrException)
        {
            throw new DhtException(DhtError.Local, e.Message, e);
        }
    }

    /// <summary>Writes the `value` record of a name; the last writer wins.</summary>
    /// <param name="name">The name, 1 to 1024 bytes of UTF-8.</param>
    /// <param name="value">The value; it is copied before the call returns its task.</param>
    /// <param name="options">How it is written.</param>
    /// <param name="cancellationToken">
    /// Cancelled before the call, nothing is written. Cancelled under way, the call ends at once and makes no
    /// further attempt, but what it has sent may have been written by all, some or none of the replicas, or
    /// may be in a moment, and is replicated then like any other record. Read the record, or write it again:
    /// the later write wins.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The name has no UTF-8 or not its length, or an option is out of its range.
    /// </exception>
    /// <exception cref="DhtException">It was not written as asked.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<PutReceipt> PutAsync(
        string name,
        ReadOnlyMemory<byte> value,
        PutOptions? options = null,
        CancellationToken cancellationToken = default) =>
        WriteAsync(DhtKey.ForValue(name), ValueRecordType.TypeName, value, false, options, cancellationToken);

    /// <summary>The same for a name that is any 1 to 1024 bytes.</summary>
    /// <inheritdoc cref="PutAsync(string, ReadOnlyMemory{byte}, PutOptions?, CancellationToken)"/>
    public Task<PutReceipt> PutAsync(
        ReadOnlyMemory<byte> name,
        ReadOnlyMemory<byte> value,
        PutOptions? options = null,
        CancellationToken cancellationToken = default) => WriteAsync(
            DhtKey.ForValue(name.Span), ValueRecordType.TypeName, value, false, options, cancellationToken);

    /// <summary>Reads the `value` record of a name.</summary>
    /// <param name="name">The name, 1 to 1024 bytes of UTF-8.</param>
    /// <param name="options">How it is read.</param>
    /// <param name="cancellationToken">Ends the call at once.</param>
    /// <exception cref="ArgumentException">
    /// The name has no UTF-8 or not its length, or an option is out of its range.
    /// </exception>
    /// <exception cref="DhtException">
    /// Refused, or local trouble. That a record is not there is a result.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<GetResult> GetAsync(
        string name, GetOptions? options = null, CancellationToken cancellationToken = default) =>
        ReadAsync(DhtKey.ForValue(name), ValueRecordType.TypeName, options, cancellationToken);

    /// <summary>The same for a name that is any 1 to 1024 bytes.</summary>
    /// <inheritdoc cref="GetAsync(string, GetOptions?, CancellationToken)"/>
    public Task<GetResult> GetAsync(
        ReadOnlyMemory<byte> name,
        GetOptions? options = null,
        CancellationToken cancellationToken = default) =>
        ReadAsync(DhtKey.ForValue(name.Span), ValueRecordType.TypeName, options, cancellationToken);

    /// <summary>Deletes the `value` record of a name (whether or not there is one).</summary>
    /// <param name="name">The name, 1 to 1024 bytes of UTF-8.</param>
    /// <param name="options">How it is written; a time to live means nothing.</param>
    /// <param name="cancellationToken">
    /// Cancelled before the call, nothing is deleted; cancelled under way, it may or may not be, as with
    /// <see cref="PutAsync(string, ReadOnlyMemory{byte}, PutOptions?, CancellationToken)"/>.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The name has no UTF-8 or not its length, or an option is out of its range.
    /// </exception>
    /// <exception cref="DhtException">It was not written as asked.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<PutReceipt> DeleteAsync(
        string name, PutOptions? options = null, CancellationToken cancellationToken = default) =>
        WriteAsync(
            DhtKey.ForValue(name), ValueRecordType.TypeName, default, true, options, cancellationToken);

    /// <summary>The same for a name that is any 1 to 1024 bytes.</summary>
    /// <inheritdoc cref="DeleteAsync(string, PutOptions?, CancellationToken)"/>
    public Task<PutReceipt> DeleteAsync(
        ReadOnlyMemory<byte> name,
        PutOptions? options = null,
        CancellationToken cancellationToken = default) => WriteAsync(
            DhtKey.ForValue(name.Span), ValueRecordType.TypeName, default, true, options, cancellationToken);

    /// <summary>Writes an `immutable` record; its key is the hash of its content.</summary>
    /// <param name="value">The content; it is copied before the call returns its task.</param>
    /// <param name="options">How it is written.</param>
    /// <param name="cancellationToken">
    /// Cancelled before the call, nothing is written; cancelled under way, it may or may not be, as with
    /// <see cref="PutAsync(string, ReadOnlyMemory{byte}, PutOptions?, CancellationToken)"/>.
    /// </param>
    /// <exception cref="DhtException">It was not written as asked.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<PutReceipt> PutImmutableAsync(
        ReadOnlyMemory<byte> value,
        PutOptions? options = null,
        CancellationToken cancellationToken = default) =>
        WriteAsync(
            DhtKey.ForImmutable(value.Span),
            ImmutableRecordType.TypeName,
            value,
            false,
            options,
            cancellationToken);

    /// <summary>Reads an `immutable` record; the value is checked against the key.</summary>
    /// <exception cref="DhtException">
    /// Refused, or local trouble. That a record is not there is a result.
    /// </exception>
    public Task<GetResult> GetImmutableAsync(
        Key key, GetOptions? options = null, CancellationToken cancellationToken = default) =>
        ReadAsync(key, ImmutableRecordType.TypeName, options, cancellationToken);

    /// <summary>A look at the DHT from here.</summary>
    /// <exception cref="DhtException">The connection to the daemon is lost, or the DHT is closed.</exception>
    public Task<DhtStatus> StatusAsync(CancellationToken cancellationToken = default) =>
        StatusAsync(MemberPatience, cancellationToken);

    private async Task<DhtStatus> StatusAsync(TimeSpan memberPatience, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            HostStatus host = await _connection.Host.GetStatusAsync(cancellationToken).ConfigureAwait(false);
            (DhtNodeStatus node, StoreStatus? store) = await NodeStatusAsync(
                memberPatience, cancellationToken).ConfigureAwait(false);
            bool isAlone = host.Ring.State == RingState.Alone; // then nobody knows of other replicas
            return new DhtStatus
            {
                Attachment = _connection.Kind,
                NodeId = NodeId,
                Network = host.Network,
                Addresses = host.Addresses,
                Socket = _connection.Socket,
                Data = _connection.Data,
                Ring = host.Ring,
                IsJoined = host.Ring.IsJoined && node.IsJoined,
                Neighbours = node.Neighbours,
                Missing = node.Missing,
                IsSettled = node.IsSettled && !isAlone,
                IsReplicated = node.IsReplicated && !isAlone,
                RefusedMessages = node.RefusedMessages,
                RefusedRecords = node.RefusedRecords,
                Store = store,
                Figures = host.Figures,
                Troubles = Health.TroublesOf(host, node, store, _connection.Socket),
            };
        }
        catch (KbrException e)
        {
            throw new DhtException(DhtError.Local, e.Message, e);
        }
    }

    /// <summary>
    /// Leaves the network gracefully and closes the store. A member first gives others what they lack of its
    /// records, for as long as the option LeaveTimeout says.
    /// </summary>
    public async ValueTask DisposeAsync() => await _closing.Value.ConfigureAwait(false);

    private static async Task<IgorDht> StartAsync(
        IgorDhtOptions options, NodeConnection connection, CancellationToken cancellationToken)
    {
        ILogger log = (options.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger("Igor.Dht");
        var host = new DhtHost(
            connection.Host.NodeId,
            new DhtNodeOptions
            {
                ValueBytesMax = options.ValueBytesMax,
                VersionAheadMax = options.VersionAheadMax,
                Found = options.Found,
                Network = connection.Network,
                VoteAfter = options.VoteAfter,
            },
            connection.Store,
            (connection.Host as IgorNode)?.Bytes ?? new ByteBudget(new IgorNodeOptions().HeldBytesMax),
            () => connection.Host.Time,
            log,
            connection.Votes,
            connection.VotingTrouble);
        try
        {
            await host.StartAsync().ConfigureAwait(false);
            connection.Store?.ReportDamageTo(host.HandleDamage);
            IKbrService service = await connection.SubscribeAsync(host, options.Timeout, cancellationToken)
                .ConfigureAwait(false);
            await host.AttachAsync(service).ConfigureAwait(false);
            connection.Serve();
            DhtLog.Opened(log, connection.Kind, connection.Host.NodeId);
            return new IgorDht(options, connection, host);
        }
        catch
        {
            await CloseAsync(connection, host).ConfigureAwait(false);
            throw;
        }
    }

    // A client's own view holds nothing: what counts is the member on its node, where there is one.
    private async Task<(DhtNodeStatus Node, StoreStatus? Store)> NodeStatusAsync(
        TimeSpan memberPatience, CancellationToken cancellationToken)
    {
        if (_connection.Kind == DhtAttachment.DaemonClient
            && await _host.AskMemberAsync(memberPatience).WaitAsync(cancellationToken).ConfigureAwait(false)
                is { } member)
        {
            return (member.Node, member.Store);
        }

        DhtNodeStatus own = await _host.StatusAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        return (own, _connection.Store?.Status);
    }

    private static async Task CloseAsync(NodeConnection connection, DhtHost host)
    {
        await host.CloseAsync().ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
        host.Dispose();
    }

    private async Task CloseAsync()
    {
        if (_connection.Store is not null)
        {
            await _host.LeaveAsync(_options.LeaveTimeout).ConfigureAwait(false);
        }

        await CloseAsync(_connection, _host).ConfigureAwait(false);
    }

    private async Task<PutReceipt> WriteAsync(
        Key key,
        string type,
        ReadOnlyMemory<byte> value,
        bool isDelete,
        PutOptions? options,
        CancellationToken cancellationToken)
    {
        options ??= PutOptions.Default;
        options.Validate();
        OperationResult result = await _host.PutAsync(new DhtPut
        {
            Key = key,
            Type = type,
            Value = value,
            IsDelete = isDelete,
            TimeToLive = options.TimeToLive,
            Replicas = options.Replicas,
            Acks = options.Acks,
            CopiesMin = options.CopiesMin ?? 0,
            Timeout = options.Timeout ?? _options.Timeout,
        },
        cancellationToken).ConfigureAwait(false);
        return result.Receipt
            ?? throw await ExceptionForAsync(result.Failure!, cancellationToken).ConfigureAwait(false);
    }

    private async Task<GetResult> ReadAsync(
        Key key, string type, GetOptions? options, CancellationToken cancellationToken)
    {
        options ??= GetOptions.Default;
        options.Validate();
        OperationResult result = await _host.GetAsync(new DhtGet
        {
            Key = key,
            Type = type,
            Consistency = options.Consistency,
            Timeout = options.Timeout ?? _options.Timeout,
        },
        cancellationToken).ConfigureAwait(false);
        if (result.Got is not { } got)
        {
            throw await ExceptionForAsync(result.Failure!, cancellationToken).ConfigureAwait(false);
        }

        return got.IsDegraded || got.Outcome == GetOutcome.Unreachable
            ? got with { Barrier = await BarrierAsync(cancellationToken).ConfigureAwait(false) }
            : got;
    }

    // Why the DHT is not reached, as far as the node knows; null when it knows nothing of it, or does not
    // say: the result that asked for it is not to be lost for it.
    // A member that is not there does not answer: half of the time is left for what the node itself says.
    private async Task<string?> BarrierAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(BarrierPatience);
        try
        {
            DhtStatus status = await StatusAsync(BarrierPatience / 2, patience.Token).ConfigureAwait(false);
            return status.Barrier?.Text;
        }
        catch (Exception e) when (e is DhtException or OperationCanceledException)
        {
            return null;
        }
    }

    private async Task<DhtException> ExceptionForAsync(
        DhtFailure failure, CancellationToken cancellationToken)
    {
        string? trouble = failure.Error switch
        {
            DhtError.Local => _connection.Store?.Status.Trouble,
            DhtError.Unreachable or DhtError.NotEnoughReplicas or DhtError.Unknown =>
                await BarrierAsync(cancellationToken).ConfigureAwait(false),
            _ => null,
        };
        string message = trouble is null ? failure.Message : $"{failure.Message} ({trouble})";
        return new DhtException(failure.Error, message) { Holders = failure.Holders };
    }
}
