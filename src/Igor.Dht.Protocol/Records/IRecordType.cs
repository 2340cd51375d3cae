namespace Igor.Dht.Protocol.Records;

/// <summary>
/// What a kind of record may look like and how two versions of one become one. Every node that stores records
/// of the type has to come to the same answers, in any order and however often it is asked: implementations
/// are pure.
/// </summary>
public interface IRecordType
{
    /// <summary>The name that records carry, 1 to 32 characters.</summary>
    string Name { get; }

    /// <summary>Whether a record may be replaced by a tombstone.</summary>
    bool IsDeletable { get; }

    /// <summary>
    /// What a write is told that finds a newer version in place: true, that all is well (the newer one says
    /// the same or more); false, that there is a conflict, so that it comes back with a version that is newer
    /// still.
    /// </summary>
    bool NewerConfirmsOlder { get; }

    /// <summary>The version of a new record.</summary>
    /// <param name="fresh">A version newer than any that the writer has seen.</param>
    /// <param name="expiresAtUnixMs">When the record will end; 0 for never.</param>
    RecordVersion VersionFor(RecordVersion fresh, long expiresAtUnixMs);

    /// <summary>Why a record is none of this type; null when it is one.</summary>
    string? Refusal(Record record);

    /// <summary>
    /// What a record claims that no writer can have done yet (a version from the future, a life longer than
    /// it may be), which would win for ever; null when there is nothing. Every node asks it of every record
    /// that it takes.
    /// </summary>
    /// <param name="header">The record, but for its value.</param>
    /// <param name="latestUnixMs">The latest time that a writer may go by now.</param>
    string? RefusalAt(RecordHeader header, long latestUnixMs);
}
