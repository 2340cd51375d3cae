namespace Igor.Simulation.Faults;

/// <summary>What a member that takes part in the ring does not answer: a fault of a host.</summary>
public enum MemberSilence
{
    /// <summary>It answers everything.</summary>
    None,

    /// <summary>It drops what is routed, except the overlay's own requests.</summary>
    DropsPayloads,

    /// <summary>It answers pings and tells its neighbours, and drops all requests.</summary>
    DropsRequests,
}
