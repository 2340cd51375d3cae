using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Index;

/// <summary>What the index tells of a record: its header without what only a reader needs.</summary>
/// <param name="Key">The key.</param>
/// <param name="Version">The version.</param>
/// <param name="ExpiresAtUnixMs">When it ends, in milliseconds since 1970; 0 for never.</param>
/// <param name="ValueLength">Length of its value.</param>
/// <param name="Replicas">Number of nodes that are to hold it.</param>
/// <param name="IsTombstone">Whether it says that the key was deleted.</param>
/// <param name="Type">Name of its type.</param>
/// <param name="Digest">Digest of its bytes.</param>
public readonly record struct Holding(
    Key Key,
    RecordVersion Version,
    long ExpiresAtUnixMs,
    int ValueLength,
    byte Replicas,
    bool IsTombstone,
    string Type,
    uint Digest = 0)
{
    /// <summary>Whether the record has ended.</summary>
    public bool IsExpiredAt(long nowUnixMs) => ExpiresAtUnixMs != 0 && ExpiresAtUnixMs <= nowUnixMs;
}

/// <summary>A key and the version under which it is held.</summary>
internal readonly record struct KeyVersion(Key Key, RecordVersion Version);

/// <summary>The same, and the digest of what is held.</summary>
internal readonly record struct HeldVersion(Key Key, RecordVersion Version, uint Digest);
