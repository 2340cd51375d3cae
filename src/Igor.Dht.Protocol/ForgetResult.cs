namespace Igor.Dht.Protocol;

/// <summary>
/// What it means to give a member up, or what became of it; as the member nearest to it sees it.
/// </summary>
public sealed record ForgetResult
{
    /// <summary>Whether the member is there: then it cannot be forgotten.</summary>
    public bool IsThere { get; init; }

    /// <summary>Whether it is missed: expected back, and counted in majorities.</summary>
    public bool IsMissed { get; init; }

    /// <summary>Number of members near it that are missed, itself included.</summary>
    public int Missing { get; init; }

    /// <summary>Number of records here that it was to hold a copy of.</summary>
    public long Records { get; init; }

    /// <summary>
    /// Number of those of which fewer than a majority of the holders are there: of these newer versions, and
    /// of keys beside them whole records, may be with those alone that are missed.
    /// </summary>
    public long RecordsInDoubt { get; init; }

    /// <summary>Number of cells of registers that it votes about, as far as is known there.</summary>
    public int Cells { get; init; }

    /// <summary>
    /// Number of those of whose voters most are not there: those who are left begin a new lineage with what
    /// they have when all others are forgotten, and what only these acknowledged is lost.
    /// </summary>
    public int CellsInDoubt { get; init; }

    /// <summary>Number of members that forgot it.</summary>
    public int Told { get; init; }

    /// <summary>Number of members that were to.</summary>
    public int Asked { get; init; }
}
