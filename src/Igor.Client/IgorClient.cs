using System.Collections.Concurrent;
using Igor.Kbr;
using Igor.Local.Protocol;
using Igor.Local.Paths;

namespace Igor.Client;

/// <summary>
/// An application's end of a daemon's local socket. It outlives the daemon: when the connection breaks, open
/// requests end with <see cref="KbrStatus.Closed"/> and neighbour sets empty; when a daemon is back, every
/// service is subscribed again. The node may be another one then (<see cref="NodeId"/>).
/// </summary>
public sealed class IgorClient : IKbrHost
{
    private const int RetriesMax = 20; // a second, which is long even for a busy daemon
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan GoodbyeTimeout = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<int, ClientService> _services = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly SemaphoreSlim _attaching = new(1); // no connection changes while something subscribes
    private readonly IgorClientOptions _options;
    private readonly LocalSocketPlace _place;
    private volatile DaemonConnection? _connection;
    private volatile DaemonConnection? _latest; // stays when the connection is lost
    private volatile string? _trouble; // why the last attempt to connect anew failed
    private int _lastSubscription;
    private Task _keeping = Task.CompletedTask;

    private IgorClient(IgorClientOptions options, LocalSocketPlace place)
    {
        _options = options;
        _place = place;
        Gate = new UpcallGate(options.Logger);
        Deliveries = new OpenDeliveries(() => _connection);
    }

    /// <inheritdoc/>
    public Key NodeId => _latest!.Welcome.NodeId;

    /// <inheritdoc/>
    public NetworkTime Time => _latest!.Clock.Now;

    /// <summary>The name of the network that the node belongs to.</summary>
    public string Network => _latest!.Welcome.Network;

    /// <summary>The socket that the client uses.</summary>
    public string SocketPath => _place.Path;

    /// <summary>Whether the daemon is there now.</summary>
    public bool IsConnected => _connection is not null;

    /// <summary>Runs the application's code.</summary>
    internal UpcallGate Gate { get; }

    /// <summary>Answers what was delivered.</summary>
    internal OpenDeliveries Deliveries { get; }

    /// <summary>The connection, while there is one.</summary>
    internal DaemonConnection? Connection => _connection;

    /// <summary>Connects to a daemon.</summary>
    /// <exception cref="KbrException">
    /// No daemon listens at the socket, it is another user's, it hangs, it is of another network, or it
    /// speaks no version of the protocol that this library does; the message says which, and what to do.
    /// </exception>
    public static async ValueTask<IgorClient> ConnectAsync(
        IgorClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new IgorClientOptions();
        cancellationToken.ThrowIfCancellationRequested();
        return await StartAsync(options, options.FindSocket(), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Connects to a daemon, or returns null when none listens. Whoever listens and does not serve us is a
    /// <see cref="KbrException"/>, as in <see cref="ConnectAsync"/>.
    /// </summary>
    public static async ValueTask<IgorClient?> TryConnectAsync(
        IgorClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new IgorClientOptions();
        cancellationToken.ThrowIfCancellationRequested();
        LocalSocketPlace place = options.FindSocket();
        if (!File.Exists(place.Path))
        {
            return null; // the usual case, without the cost of an exception
        }

        try
        {
            return await StartAsync(options, place, cancellationToken).ConfigureAwait(false);
        }
        catch (KbrException exception) when (DaemonSocket.IsAbsence(exception))
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IKbrService> SubscribeAsync(
        SubscribeOptions options, IKbrApplication application, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(application);
        if (!ServiceId.IsValidName(options.Service))
        {
            throw new KbrException(
                $"'{PrintableText.Of(options.Service)}' cannot name a service: a name has "
                + ServiceId.NameRule + ".");
        }

        await _attaching.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await AttachAsync(options, application, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _attaching.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<HostStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        DaemonConnection connection = _connection ?? throw NotConnected();
        StatusResultFrame answer = await connection.CallAsync<StatusResultFrame>(
            static call => new StatusFrame(call), cancellationToken).ConfigureAwait(false);
        return answer.Status;
    }

    /// <summary>Detaches from the daemon; open requests end with <see cref="KbrStatus.Closed"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_closing.IsCancellationRequested)
        {
            await _keeping.ConfigureAwait(false);
            return;
        }

        await _closing.CancelAsync().ConfigureAwait(false);
        foreach (ClientService service in _services.Values)
        {
            service.Close();
        }

        _connection?.CloseWhenSent();
        try
        {
            await _keeping.WaitAsync(GoodbyeTimeout).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _connection?.Dispose(); // the daemon does not read
            await _keeping.ConfigureAwait(false);
        }

        _services.Clear();
    }

    /// <summary>Detaches a service.</summary>
    internal async ValueTask UnsubscribeAsync(ClientService service)
    {
        service.Close();
        if (!_services.TryRemove(service.Subscription, out _) || _connection is not { } connection)
        {
            return;
        }

        connection.Requests.Close(service.Subscription);
        using var deadline = new CancellationTokenSource(GoodbyeTimeout);
        try
        {
            await connection.CallAsync<UnsubscribedFrame>(
                call => new UnsubscribeFrame(call, service.Subscription), deadline.Token)
                .ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is KbrException or OperationCanceledException)
        {
            // The daemon is gone, or hangs: either way nothing comes from it for this service any more.
            connection.Requests.Close(service.Subscription);
        }
    }

    private static async Task<IgorClient> StartAsync(
        IgorClientOptions options, LocalSocketPlace place, CancellationToken cancellationToken)
    {
        var client = new IgorClient(options, place);
        client.Adopt(await client.OpenAsync(cancellationToken).ConfigureAwait(false));
        client._keeping = client.KeepAsync();
        return client;
    }

    private Task<DaemonConnection> OpenAsync(CancellationToken cancellationToken) =>
        DaemonConnection.OpenAsync(
            _options,
            _place,
            _latest?.Welcome.Network ?? _options.Network,
            Gate,
            HandleUpcall,
            cancellationToken);

    private void Adopt(DaemonConnection connection)
    {
        _trouble = null;
        _latest = connection;
        _connection = connection;
    }

    /// <summary>Watches the connection, and replaces it when it ends.</summary>
    private async Task KeepAsync()
    {
        while (true)
        {
            string cause = await _connection!.Ended.ConfigureAwait(false);
            Deliveries.Forget();
            _connection = null;
            if (_closing.IsCancellationRequested)
            {
                return;
            }

            ClientLog.ConnectionLost(_options.Logger, _place.Path, cause);
            foreach (ClientService service in _services.Values.OrderBy(service => service.Subscription))
            {
                service.Reset();
            }

            if (!_options.Reconnects)
            {
                return;
            }

            DaemonConnection? next = null;
            try
            {
                next = await Reconnection.RunAsync(
                    _options, OpenAsync, _closing.Token, trouble => _trouble = trouble).ConfigureAwait(false);
                await ResumeAsync(next).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                next?.Dispose();
                return;
            }
        }
    }

    private async Task ResumeAsync(DaemonConnection connection)
    {
        await _attaching.WaitAsync(_closing.Token).ConfigureAwait(false);
        try
        {
            Adopt(connection);
            _closing.Token.ThrowIfCancellationRequested(); // whoever closes may have seen no connection
            await ResubscribeAsync(connection).ConfigureAwait(false);
        }
        catch (KbrException)
        {
            connection.Dispose(); // lost again, or of no use: the next one subscribes everything
        }
        finally
        {
            _attaching.Release();
        }
    }

    /// <summary>
    /// Subscribes every service again. A refusal may pass: a daemon that ended the connection takes a moment
    /// to let go of the services that were on it.
    /// </summary>
    private async Task ResubscribeAsync(DaemonConnection connection)
    {
        ClientLog.Reconnected(_options.Logger, _place.Path, NodeId.ToShortString());
        int retries = RetriesMax;
        foreach (ClientService service in _services.Values.OrderBy(service => service.Subscription))
        {
            while (await TryResubscribeAsync(connection, service).ConfigureAwait(false) is { } refusal)
            {
                if (retries-- > 0)
                {
                    await Task.Delay(RetryPause, _closing.Token).ConfigureAwait(false);
                    continue;
                }

                ClientLog.ResubscribeRefused(_options.Logger, service.Name, refusal.Message);
                service.Close();
                _services.TryRemove(service.Subscription, out _);
            }
        }
    }

    /// <summary>Subscribes a service again, unless it is detached; why not, if the daemon refuses.</summary>
    private async Task<KbrException?> TryResubscribeAsync(DaemonConnection connection, ClientService service)
    {
        if (!_services.ContainsKey(service.Subscription))
        {
            return null;
        }

        LocalFrame answer = await connection.AskAsync(
            call => Subscribe(call, service), _closing.Token).ConfigureAwait(false);
        bool isWanted = _services.ContainsKey(service.Subscription);
        if (answer is not SubscribedFrame subscribed)
        {
            return isWanted ? connection.Refusal(answer) : null;
        }

        if (isWanted)
        {
            service.Begin(subscribed.Neighbours, tells: true);
        }
        else
        {
            // Detached meanwhile, perhaps before the daemon knew what from.
            connection.TrySend(new UnsubscribeFrame(0, service.Subscription));
        }

        return null;
    }

    private async Task<IKbrService> AttachAsync(
        SubscribeOptions options, IKbrApplication application, CancellationToken cancellationToken)
    {
        DaemonConnection connection = _connection ?? throw NotConnected();
        var service = new ClientService(this, ++_lastSubscription, options, application);
        _services[service.Subscription] = service; // upcalls may come before the answer
        try
        {
            SubscribedFrame answer = await connection.CallAsync<SubscribedFrame>(
                call => Subscribe(call, service), cancellationToken).ConfigureAwait(false);
            service.Begin(answer.Neighbours, tells: false);
            return service;
        }
        catch (Exception exception)
        {
            _services.TryRemove(service.Subscription, out _);
            service.Close();
            if (exception is OperationCanceledException)
            {
                connection.TrySend(new UnsubscribeFrame(0, service.Subscription));
            }

            throw;
        }
    }

    private static SubscribeFrame Subscribe(long call, ClientService service) => new(
        call, service.Subscription, service.Name, service.Role, service.Options.WantsForward);

    private void HandleUpcall(LocalFrame frame)
    {
        switch (frame)
        {
            case DeliverFrame deliver
                when _services.TryGetValue(deliver.Subscription, out ClientService? service):
                service.Deliver(deliver, Deliveries.Add(deliver.Token));
                break;
            case UpdateFrame update
                when _services.TryGetValue(update.Subscription, out ClientService? service):
                service.Update(update.Change.Neighbours, update.Change.Departed);
                break;
            case ForwardFrame forward
                when _services.TryGetValue(forward.Subscription, out ClientService? service):
                service.Forward(forward, _connection!);
                break;
            case ForwardFrame forward:
                _connection?.TrySend(new DecideFrame(forward.Parked, true, null));
                break;
            case RefusedFrame refused:
                ClientLog.FrameRefused(_options.Logger, refused.Text);
                break;
        }
    }

    private KbrException NotConnected() => new(
        _closing.IsCancellationRequested
            ? "The client is closed."
            : $"The daemon at {_place.Path} is away; the client connects again when it is back. Try later."
                + (_trouble is { } trouble ? $" ({trouble})" : ""));
}
