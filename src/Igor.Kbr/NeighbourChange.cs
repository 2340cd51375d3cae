namespace Igor.Kbr;

/// <summary>Why a node is no longer a neighbour.</summary>
public enum DepartureReason
{
    /// <summary>It said that it leaves the ring or the service.</summary>
    Left,

    /// <summary>It was found dead.</summary>
    Failed,

    /// <summary>Nearer nodes took its place; it is still a member.</summary>
    Displaced,
}

/// <summary>A node that is no longer a neighbour.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Reason">Why.</param>
public readonly record struct Departure(Key Id, DepartureReason Reason);

/// <summary>A change of the neighbour set (the `update` upcall).</summary>
/// <param name="Neighbours">The set after the change.</param>
/// <param name="Joined">Nodes that are neighbours now and were not before.</param>
/// <param name="Departed">Nodes that were neighbours before and are not now.</param>
public sealed record NeighbourChange(
    NeighbourSet Neighbours, ImmutableArray<Key> Joined, ImmutableArray<Departure> Departed)
{
    /// <summary>The service whose set it is, as for a <see cref="KbrDelivery"/>.</summary>
    public IKbrService Service { get; init; } = null!;
}
