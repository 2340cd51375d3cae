using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Storage.Segments;

/// <summary>What an entry of a segment says.</summary>
internal enum EntryKind : byte
{
    /// <summary>A record; the body is its encoded form.</summary>
    Record = 1,

    /// <summary>
    /// The record of the key is forgotten, whatever version up to the entry's stands before it. The body
    /// names the segment in which the removal was first written: nothing that it hides lies in a later one.
    /// </summary>
    Removal = 2,

    /// <summary>A note; the body is its name and content.</summary>
    Note = 3,

    /// <summary>The segment is full: nothing follows.</summary>
    Seal = 4,
}

/// <summary>What can be told of a record without its body.</summary>
[Flags]
internal enum EntryFlags : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The record counts against somebody's quota.</summary>
    HasOwner = 1,

    /// <summary>The record is a tombstone.</summary>
    IsTombstone = 2,
}

/// <summary>The fixed part of an entry.</summary>
internal readonly record struct EntryHeader(
    EntryKind Kind, EntryFlags Flags, int BodyLength, Key Key, RecordVersion Version, ulong BodyChecksum);
