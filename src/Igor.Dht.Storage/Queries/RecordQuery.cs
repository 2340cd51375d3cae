using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Storage.Queries;

/// <summary>Which of the records of a store are wanted; all of them when nothing is said.</summary>
public sealed record RecordQuery
{
    /// <summary>Their type; null, the default, for any.</summary>
    public string? Type { get; init; }

    /// <summary>Their owner; null, the default, for any.</summary>
    public Key? Owner { get; init; }

    /// <summary>
    /// They end before this time, in milliseconds since 1970; null, the default, for any and for those that
    /// never end.
    /// </summary>
    public long? EndsBeforeUnixMs { get; init; }

    /// <summary>
    /// Their keys are larger: the last one of the page before. Null, the default, for the first page.
    /// </summary>
    public Key? After { get; init; }

    /// <summary>Most that are wanted, 1 to 100,000; 1,000 by default.</summary>
    public int CountMax { get; init; } = 1000;

    /// <summary>Whether a record is one of them, whatever its key.</summary>
    internal bool Matches(RecordHeader header) =>
        (Type is null || header.Type == Type)
        && (Owner is null || header.Owner == Owner)
        && (EndsBeforeUnixMs is null
            || (header.ExpiresAtUnixMs != 0 && header.ExpiresAtUnixMs < EndsBeforeUnixMs));
}
