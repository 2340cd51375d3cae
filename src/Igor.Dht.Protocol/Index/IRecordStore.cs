using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Index;

/// <summary>
/// Keeps records, one per key. Callbacks come exactly once, on a thread of the store's or on the caller's
/// before the call returns; they must not block.
/// </summary>
public interface IRecordStore : IAsyncDisposable
{
    /// <summary>Largest note, in bytes.</summary>
    const int NoteBytesMax = 64 * 1024;

    /// <summary>
    /// Stores a record unless a version that is the same or newer is there. <paramref name="completed"/> is
    /// called once the record is durable, or will not be.
    /// </summary>
    void Write(Record record, Action<StoreOutcome> completed);

    /// <summary>
    /// Stores a record in the place of the given version, which is newer: of a key that was written by a
    /// wrong clock. The old one is gone only when the new one is durable. When another version is held, it
    /// is as <see cref="Write"/>.
    /// </summary>
    void Replace(Record record, RecordVersion held, Action<StoreOutcome> completed);

    /// <summary>
    /// Reads the record of a key, expired ones and tombstones included; null when there is none, or when it
    /// is damaged: then it left the index before, and who drives the protocol was told.
    /// </summary>
    void Read(Key key, Action<Record?> completed);

    /// <summary>
    /// Reads the record of a key if that needs no disk; false when <see cref="Read"/> has to.
    /// </summary>
    bool TryReadAtOnce(Key key, out Record? record)
    {
        record = null;
        return false;
    }

    /// <summary>
    /// Forgets the record of a key if its version is not newer than the given one. Needs not be durable when
    /// it completes: after a crash the record may be back.
    /// </summary>
    void Remove(Key key, RecordVersion version, Action<StoreOutcome> completed);

    /// <summary>
    /// The headers of all records in an arc, in clockwise order from its start, as of now (records whose
    /// write is in flight may or may not be among them).
    /// </summary>
    IEnumerable<RecordHeader> Headers(Arc arc);

    /// <summary>
    /// What is held durably now, on any thread. A record shows here before its write is completed, and is
    /// gone before its removal is.
    /// </summary>
    IRecordIndex Index { get; }

    /// <summary>Reads a small value that the DHT keeps beside its records; null when there is none.</summary>
    byte[]? ReadNote(string name);

    /// <summary>Keeps a small value (up to 64 KiB) beside the records; durable some seconds later.</summary>
    void WriteNote(string name, byte[] content);

    /// <summary>What the store holds and how it is.</summary>
    StoreStatus Status { get; }
}
