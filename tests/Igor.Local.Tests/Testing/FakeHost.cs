using System.Collections.Concurrent;
using Igor.Kbr;

namespace Igor.Local.Tests.Testing;

/// <summary>A node that does what a test says: its services are echoes unless told otherwise.</summary>
internal sealed class FakeHost(string name = "fake") : IKbrHost
{
    private readonly ConcurrentQueue<FakeService> _services = new();

    public NetworkTime Time => new(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), IsTrusted: true);

    public Key NodeId { get; } = Key.HashOf(name);

    /// <summary>Every service that was ever subscribed.</summary>
    public IReadOnlyList<FakeService> Services => [.. _services];

    /// <summary>Services that have not been disposed.</summary>
    public IReadOnlyList<FakeService> Open => [.. _services.Where(service => !service.IsDisposed)];

    /// <summary>What subscriptions are refused with; null lets them in.</summary>
    public string? Refusal { get; set; }

    /// <summary>What the node waits for before it answers.</summary>
    public Task Ready { get; set; } = Task.CompletedTask;

    /// <summary>The neighbour set that a service begins with.</summary>
    public NeighbourSet? FirstNeighbours { get; set; }

    /// <summary>What requests end with; null leaves them open.</summary>
    public Func<ReadOnlyMemory<byte>, KbrReply?>? Answers { get; set; }

    public async ValueTask<IKbrService> SubscribeAsync(
        SubscribeOptions options, IKbrApplication application, CancellationToken cancellationToken = default)
    {
        await Ready;
        if (Refusal is { } refusal)
        {
            throw new KbrException(refusal);
        }

        var service = new FakeService(this, options, (IKbrDeferringApplication)application);
        _services.Enqueue(service);
        return service;
    }

    public async ValueTask<HostStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        await Ready;
        return new HostStatus(
            NodeId,
            "fake",
            "1.2.3",
            ["127.0.0.1:1"],
            RingStanding.Joined,
            [],
            [],
            [],
            OverlayFigures.Unknown);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>A service of the fake node.</summary>
    internal sealed class FakeService(
        FakeHost host, SubscribeOptions options, IKbrDeferringApplication application)
        : IKbrService
    {
        private readonly ConcurrentQueue<(DeliveryToken Token, byte[] Payload)> _replies = new();
        private readonly ConcurrentQueue<(DeliveryToken Token, string Error, bool IsTemporary)> _failures =
            new();

        private int _requests;

        public IKbrDeferringApplication Application => application;

        public bool IsDisposed { get; private set; }

        public int Requests => Volatile.Read(ref _requests);

        public IReadOnlyList<(DeliveryToken Token, byte[] Payload)> Replies => [.. _replies];

        public IReadOnlyList<(DeliveryToken Token, string Error, bool IsTemporary)> Failures =>
            [.. _failures];

        public string Name => options.Service;

        public ServiceId Id => ServiceId.FromName(Name);

        public ServiceRole Role => options.Role;

        public Key NodeId => host.NodeId;

        public NeighbourSet Neighbours => host.FirstNeighbours ?? NeighbourSet.Alone(NodeId, isMember: true);

        public KbrStatus Route(
            Key destination, ReadOnlyMemory<byte> payload, RouteOptions options = default)
        {
            application.Deliver(new KbrDelivery(destination, NodeId, DeliveryToken.None, payload));
            return KbrStatus.Ok;
        }

        public void Request(
            Key destination, ReadOnlyMemory<byte> payload, RequestOptions options, Action<KbrReply> completed)
        {
            Interlocked.Increment(ref _requests);
            KbrReply? reply = host.Answers is { } answers
                ? answers(payload)
                : new KbrReply(KbrStatus.Ok, NodeId, payload);
            if (reply is { } known)
            {
                completed(known);
            }
        }

        public void Reply(DeliveryToken delivery, ReadOnlyMemory<byte> payload) =>
            _replies.Enqueue((delivery, payload.ToArray()));

        public void Fail(DeliveryToken delivery, string error, bool isTemporary = false) =>
            _failures.Enqueue((delivery, error, isTemporary));

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return ValueTask.CompletedTask;
        }
    }
}
