namespace Igor.Kbr;

/// <summary>What a node says of itself, for status pages and commands.</summary>
/// <param name="NodeId">The id of the node.</param>
/// <param name="Network">The name of the network it belongs to.</param>
/// <param name="Version">The version of the program that runs it.</param>
/// <param name="Addresses">Addresses (host:port) it listens on; empty when it does not.</param>
/// <param name="Ring">How it stands to the ring, and why.</param>
/// <param name="Peers">The peers it is connected to.</param>
/// <param name="Services">The services that applications run on it.</param>
/// <param name="Troubles">What keeps it from doing all that it is there for; none: it is healthy.</param>
/// <param name="Figures">How large its ring is, and what its place there takes.</param>
public sealed record HostStatus(
    Key NodeId,
    string Network,
    string Version,
    ImmutableArray<string> Addresses,
    RingStanding Ring,
    ImmutableArray<PeerStatus> Peers,
    ImmutableArray<ServiceStatus> Services,
    ImmutableArray<Trouble> Troubles,
    OverlayFigures Figures)
{
    /// <summary>Whether it is an active member of a ring that it may act for.</summary>
    public bool IsJoined => Ring.IsJoined;
}

/// <summary>A service that applications of a node run or use.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Neighbours">The neighbour set of the node in it.</param>
public sealed record ServiceStatus(string Name, NeighbourSet Neighbours);
