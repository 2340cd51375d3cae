using Igor.Kbr;

namespace Igor.Testing;

/// <summary>
/// An application that notes every upcall and, as a root, answers requests with what it was sent.
/// </summary>
public sealed class ContractApplication : IKbrApplication
{
    private readonly Lock _lock = new();
    private readonly List<Received> _deliveries = [];
    private readonly List<NeighbourChange> _updates = [];
    private readonly List<Received> _forwards = [];

    /// <summary>The service, set by whoever subscribes.</summary>
    public IKbrService Service { get; set; } = null!;

    /// <summary>Whether requests are answered.</summary>
    public bool Answers { get; set; } = true;

    /// <summary>Done with each delivery in place of answering it; null answers it.</summary>
    public Action<KbrDelivery>? Handles { get; set; }

    /// <summary>Done with each change of the neighbour set, after it was noted.</summary>
    public Action<NeighbourChange> Sees { get; set; } = _ => { };

    /// <summary>What is decided about passing messages.</summary>
    public Func<KbrForward, ForwardDecision> Decides { get; set; } = _ => ForwardDecision.Continue;

    /// <summary>What was delivered so far.</summary>
    public IReadOnlyList<Received> Deliveries => Copy(_deliveries);

    /// <summary>What passed through so far.</summary>
    public IReadOnlyList<Received> Forwards => Copy(_forwards);

    /// <summary>The changes of the neighbour set so far.</summary>
    public IReadOnlyList<NeighbourChange> Updates => Copy(_updates);

    /// <inheritdoc/>
    public void Deliver(in KbrDelivery delivery)
    {
        lock (_lock)
        {
            _deliveries.Add(new Received(
                delivery.Destination, delivery.Source, delivery.Token, delivery.Payload.ToArray())
            {
                IsSourceProven = delivery.IsSourceProven,
                RequestId = delivery.RequestId,
            });
        }

        if (Handles is { } handles)
        {
            handles(delivery);
        }
        else if (delivery.Token.ExpectsReply && Answers)
        {
            Service.Reply(delivery.Token, delivery.Payload);
        }
    }

    /// <inheritdoc/>
    public ForwardDecision Forward(in KbrForward message)
    {
        lock (_lock)
        {
            _forwards.Add(new Received(
                message.Destination, message.Source, DeliveryToken.None, message.Payload.ToArray()));
        }

        return Decides(message);
    }

    /// <inheritdoc/>
    public void Update(NeighbourChange change)
    {
        lock (_lock)
        {
            _updates.Add(change);
        }

        Sees(change);
    }

    private T[] Copy<T>(List<T> list)
    {
        lock (_lock)
        {
            return [.. list];
        }
    }

    /// <summary>A message that an upcall brought.</summary>
    public sealed record Received(Key Destination, Key Source, DeliveryToken Token, byte[] Payload)
    {
        /// <summary>Whether a delivery came from its source beyond doubt.</summary>
        public bool IsSourceProven { get; init; }

        /// <summary>The id of a delivered request.</summary>
        public KbrRequestId RequestId { get; init; }
    }
}
