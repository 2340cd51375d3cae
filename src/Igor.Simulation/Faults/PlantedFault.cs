namespace Igor.Simulation.Faults;

/// <summary>
/// A rule that is broken on purpose, so that tests can show that it would be noticed. Nothing outside of
/// this assembly can ask for one.
/// </summary>
internal enum PlantedFault
{
    None,

    /// <summary>A store says that a record is durable before it is.</summary>
    AcknowledgeBeforeSync,

    /// <summary>Half of what stores are told for the first time they say to keep, and do not.</summary>
    SkipReplica,

    /// <summary>A voter answers before what it promises is durable, and forgets it when it dies.</summary>
    ForgetPromise,

    /// <summary>What came last takes the place of what was there, whatever their versions.</summary>
    MergeByArrival,

    /// <summary>Of what was deleted nothing is kept.</summary>
    DropTombstone,
}
