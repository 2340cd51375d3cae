using Igor.Dht.Storage.Segments;
using Igor.Kbr;

namespace Igor.Dht.Storage.Index;

/// <summary>What memory alone knows of a key.</summary>
internal enum SightingKind
{
    /// <summary>The store holds no record of it.</summary>
    Absent,

    /// <summary>Its entry is at hand.</summary>
    Listed,

    /// <summary>It probably lies at a place; what lies there may be another key.</summary>
    Hinted,

    /// <summary>The index has to be asked.</summary>
    Unlisted,
}

/// <summary>The result of a look into memory.</summary>
/// <param name="Kind">How much is known.</param>
/// <param name="Entry">The entry, when listed.</param>
/// <param name="Hint">The place, when hinted; its body length is not known.</param>
/// <param name="Age">
/// Changes whenever a key of the same stripe does; what was read meanwhile is stale then.
/// </param>
internal readonly record struct Sighting(SightingKind Kind, IndexEntry? Entry, Place Hint, int Age);

/// <summary>The effect of a committed entry, or of several, on a key.</summary>
/// <param name="Key">The key.</param>
/// <param name="Entry">What is stored from now on; null when it is forgotten.</param>
/// <param name="Previous">What was stored before.</param>
/// <param name="Removal">The removal that was written, if any.</param>
internal readonly record struct Effect(Key Key, IndexEntry? Entry, StoredRecord? Previous, Place? Removal);
