using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Index;

/// <summary>What the index keeps of a record: its header without what only a reader needs.</summary>
internal readonly record struct Holding(
    Key Key,
    RecordVersion Version,
    long ExpiresAtUnixMs,
    int ValueLength,
    byte Replicas,
    bool IsTombstone,
    string Type)
{
    /// <summary>The holding that a record is.</summary>
    public static Holding Of(RecordHeader header) => new(
        header.Key,
        header.Version,
        header.ExpiresAtUnixMs,
        header.ValueLength,
        (byte)header.Replicas,
        header.IsTombstone,
        string.Intern(header.Type));

    /// <summary>Whether the record has ended.</summary>
    public bool IsExpiredAt(long nowUnixMs) => ExpiresAtUnixMs != 0 && ExpiresAtUnixMs <= nowUnixMs;
}

/// <summary>A key and the version under which it is held.</summary>
internal readonly record struct KeyVersion(Key Key, RecordVersion Version);
