using System.Collections.Immutable;
using Igor.Kbr.Overlay.Addresses;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>What the nearest members say of this node's place.</summary>
/// <param name="IsRight">Whether both say that none is nearer.</param>
/// <param name="Nearer">Those who are, and are not connected.</param>
/// <param name="Teller">Who told of them.</param>
internal readonly record struct PlaceCheckResult(
    bool IsRight, ImmutableArray<Contact> Nearer, Teller? Teller);
