using System.Collections.Immutable;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// What a node runs, told as the difference to what it ran: from one version to a later one. From version 0,
/// at which it ran nothing, it is the whole list.
/// </summary>
/// <param name="From">The version that it changes.</param>
/// <param name="To">The version after it.</param>
/// <param name="Added">Services that it runs since then, none twice.</param>
/// <param name="Removed">Services that it does not run any more; none in a whole list.</param>
internal sealed record ServicesChange(
    ulong From, ulong To, ImmutableArray<ServiceId> Added, ImmutableArray<ServiceId> Removed)
{
    /// <summary>Whether it stands for itself.</summary>
    public bool IsWhole => From == 0;
}
