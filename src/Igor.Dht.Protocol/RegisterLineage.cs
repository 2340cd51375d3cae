using Igor.Kbr;

namespace Igor.Dht.Protocol;

/// <summary>
/// A lineage of registers: one history of each of them. A network has one, unless it grew together from two
/// that both wrote registers, or two sides of it gave up one another.
/// </summary>
public sealed record RegisterLineage
{
    /// <summary>Its name, 32 hexadecimal digits.</summary>
    public string Id { get; init; } = string.Empty;

    /// <summary>Number of the 256 cells in which it has voters.</summary>
    public int Cells { get; init; }

    /// <summary>Number of those that are served.</summary>
    public int CellsServed { get; init; }

    /// <summary>
    /// Number of registers in it, those included that were deleted; in cells that are served.
    /// </summary>
    public long Registers { get; init; }
}

/// <summary>A lineage, as the node that was asked about a cell knows it.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Coordinator">Who coordinates the cell, or did last.</param>
/// <param name="IsServed">Whether it does.</param>
/// <param name="Registers">Number of registers of the cell; -1 when that is not known there.</param>
public sealed record CellLineage(string Id, Key Coordinator, bool IsServed, int Registers);
