namespace Igor.Kbr;

/// <summary>What a node knows of a connected peer.</summary>
/// <param name="Id">The peer's node id.</param>
/// <param name="Addresses">Addresses (host:port) where it says it can be reached.</param>
/// <param name="Services">The names of the services it runs, as it told.</param>
/// <param name="IsNeighbour">Whether it is a neighbour of this node in some service.</param>
/// <param name="IsFinger">Whether it fills a finger slot of this node.</param>
/// <param name="RoundTrip">Smoothed round-trip time; null before the first measurement.</param>
public sealed record PeerStatus(
    Key Id,
    ImmutableArray<string> Addresses,
    ImmutableArray<string> Services,
    bool IsNeighbour,
    bool IsFinger,
    TimeSpan? RoundTrip);
