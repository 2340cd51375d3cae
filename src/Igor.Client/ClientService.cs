using System.Collections.Immutable;
using Igor.Kbr;
using Igor.Local.Protocol;

namespace Igor.Client;

/// <summary>A service over the local socket; lives on through restarts of the daemon.</summary>
internal sealed class ClientService : IKbrService
{
    private readonly IgorClient _client;
    private readonly IKbrApplication _application;
    private volatile NeighbourSet _neighbours;
    private volatile bool _isClosed;

    public ClientService(
        IgorClient client, int subscription, SubscribeOptions options, IKbrApplication application)
    {
        _client = client;
        _application = application;
        Subscription = subscription;
        Options = options;
        Id = ServiceId.FromName(options.Service);
        _neighbours = NeighbourSet.Alone(client.NodeId, isMember: false);
    }

    /// <inheritdoc/>
    public string Name => Options.Service;

    /// <inheritdoc/>
    public ServiceId Id { get; }

    /// <inheritdoc/>
    public ServiceRole Role => Options.Role;

    /// <inheritdoc/>
    public Key NodeId => _client.NodeId;

    /// <inheritdoc/>
    public NeighbourSet Neighbours => _neighbours;

    /// <summary>The number of the attachment, the same on every connection.</summary>
    public int Subscription { get; }

    /// <summary>What was subscribed.</summary>
    public SubscribeOptions Options { get; }

    /// <inheritdoc/>
    public KbrStatus Route(Key destination, ReadOnlyMemory<byte> payload, RouteOptions options = default)
    {
        if (_isClosed || _client.Connection is not { } connection)
        {
            return KbrStatus.Closed;
        }

        if (payload.Length > connection.Welcome.PayloadBytesMax)
        {
            return KbrStatus.TooLarge;
        }

        NeighbourSet known = _neighbours;
        if (!known.IsMember && known.Count == 0)
        {
            return KbrStatus.Unreachable;
        }

        var frame = new RouteFrame(Subscription, destination, options.Exact, payload);
        return connection.TrySendPayload(frame) ? KbrStatus.Ok
            : connection.Ended.IsCompleted ? KbrStatus.Closed
            : KbrStatus.Overloaded;
    }

    /// <inheritdoc/>
    public void Request(
        Key destination, ReadOnlyMemory<byte> payload, RequestOptions options, Action<KbrReply> completed)
    {
        ArgumentNullException.ThrowIfNull(completed);
        KbrStatus status = _isClosed || _client.Connection is not { } connection
            ? KbrStatus.Closed
            : Send(connection, destination, payload, options, completed);
        if (status != KbrStatus.Ok)
        {
            _client.Gate.PostEnd(Name, completed, status);
        }
    }

    /// <inheritdoc/>
    public void Reply(DeliveryToken delivery, ReadOnlyMemory<byte> payload)
    {
        if (delivery.ExpectsReply)
        {
            _client.Deliveries.Reply(delivery, payload);
        }
    }

    /// <inheritdoc/>
    public void Fail(DeliveryToken delivery, string error, bool isTemporary = false)
    {
        ArgumentNullException.ThrowIfNull(error);
        if (delivery.ExpectsReply)
        {
            _client.Deliveries.Fail(delivery, error, isTemporary);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _client.UnsubscribeAsync(this);

    /// <summary>The service sends and gets nothing any more.</summary>
    public void Close() => _isClosed = true;

    /// <summary>
    /// The first set of a connection, which the daemon's answer to the subscription carries.
    /// </summary>
    /// <param name="first">The set.</param>
    /// <param name="tells">Whether the application is told: it knows of an earlier one.</param>
    public void Begin(NeighbourSet first, bool tells) => _client.Gate.Run(
        Name,
        nameof(IKbrApplication.Update),
        static call =>
        {
            if (call.first.Version < call.service._neighbours.Version)
            {
                return; // an update came before
            }

            if (call.tells)
            {
                call.service.Apply(call.first, []);
            }
            else
            {
                call.service._neighbours = call.first;
            }
        },
        (service: this, first, tells));

    /// <summary>The daemon is gone, and with it all it knew.</summary>
    public void Reset() => Update(
        NeighbourSet.Alone(_client.NodeId, isMember: false),
        [.. _neighbours.Others.Select(id => new Departure(id, DepartureReason.Failed))]);

    /// <summary>The update upcall.</summary>
    public void Update(NeighbourSet next, ImmutableArray<Departure> reasons) => _client.Gate.Run(
        Name,
        nameof(IKbrApplication.Update),
        static call => call.service.Apply(call.next, call.reasons),
        (service: this, next, reasons));

    /// <summary>The deliver upcall.</summary>
    public void Deliver(DeliverFrame frame, DeliveryToken token)
    {
        if (_isClosed)
        {
            return;
        }

        var delivery = new KbrDelivery(frame.Destination, frame.Source, token, frame.Payload)
        {
            Service = this,
            IsSourceProven = frame.IsSourceProven,
            RequestId = frame.RequestNumber == 0
                ? KbrRequestId.None
                : new KbrRequestId(frame.Source, frame.RequestNumber),
        };
        Exception? problem = _client.Gate.Run(
            Name,
            nameof(IKbrApplication.Deliver),
            static call => call._application.Deliver(call.delivery),
            (_application, delivery));
        if (problem is not null)
        {
            Fail(token, KbrReply.ErrorOf(problem));
        }
    }

    /// <summary>The forward upcall; an application that throws lets the message pass.</summary>
    public void Forward(ForwardFrame frame, DaemonConnection connection)
    {
        var decision = new Decision();
        if (!_isClosed)
        {
            var message = new KbrForward(frame.Destination, frame.Source, frame.NextHop, frame.Payload)
            {
                Service = this,
            };
            _client.Gate.Run(
                Name,
                nameof(IKbrApplication.Forward),
                static call => call.decision.Value = call._application.Forward(call.message),
                (_application, message, decision));
        }

        ForwardDecision decided = decision.Value;
        if (decided.Replacement?.Length > connection.Welcome.PayloadBytesMax)
        {
            decided = ForwardDecision.Stop; // no message has such a payload, and no daemon reads such a frame
        }

        // Written out, because null converts to an empty memory.
        ReadOnlyMemory<byte>? replacement = null;
        if (decided.Replacement is { } bytes)
        {
            replacement = bytes;
        }

        connection.TrySend(new DecideFrame(frame.Parked, decided.Goes, replacement));
    }

    private KbrStatus Send(
        DaemonConnection connection,
        Key destination,
        ReadOnlyMemory<byte> payload,
        RequestOptions options,
        Action<KbrReply> completed)
    {
        if (payload.Length > connection.Welcome.PayloadBytesMax)
        {
            return KbrStatus.TooLarge;
        }

        double wanted = Math.Ceiling(options.Timeout.TotalMilliseconds);
        int timeoutMs = wanted < 0
            ? LocalProtocol.TimeoutMsMax
            : (int)Math.Min(wanted, LocalProtocol.TimeoutMsMax);
        KbrStatus status = connection.Requests.TryAdd(
            this, TimeSpan.FromMilliseconds(timeoutMs), completed, out long request);
        if (status != KbrStatus.Ok)
        {
            return status;
        }

        var frame = new RequestFrame(Subscription, request, destination, options.Exact, timeoutMs, payload);
        return connection.TrySendPayload(frame) || !connection.Requests.TryRemove(request)
            ? KbrStatus.Ok
            : connection.Ended.IsCompleted ? KbrStatus.Closed : KbrStatus.Overloaded;
    }

    /// <summary>
    /// Takes a new set, and tells the application how it differs from what it was told before.
    /// </summary>
    private void Apply(NeighbourSet next, ImmutableArray<Departure> reasons)
    {
        NeighbourSet before = _neighbours;
        _neighbours = next;
        ImmutableArray<Key> joined = [.. next.Others.Except(before.Others)];
        ImmutableArray<Departure> departed =
            [.. before.Others.Except(next.Others).Select(id => Reason(id, reasons))];
        bool isNews = joined.Length > 0 || departed.Length > 0
            || before.IsMember != next.IsMember || before.Self != next.Self;
        if (isNews && !_isClosed)
        {
            _application.Update(new NeighbourChange(next, joined, departed) { Service = this });
        }
    }

    private static Departure Reason(Key id, ImmutableArray<Departure> reasons)
    {
        foreach (Departure departure in reasons)
        {
            if (departure.Id == id)
            {
                return departure;
            }
        }

        return new Departure(id, DepartureReason.Displaced);
    }

    private sealed class Decision
    {
        public ForwardDecision Value { get; set; } = ForwardDecision.Continue;
    }
}
