using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

namespace Igor.Dht.Storage.Index;

/// <summary>What the index keeps of a record: its header and where it lies.</summary>
internal sealed record IndexEntry(RecordHeader Header, Place Place);

/// <summary>A change that the index does not hold yet; without an entry, the key is forgotten.</summary>
internal sealed record PendingChange(Key Key, IndexEntry? Entry);

/// <summary>The stored record of a key as a writer needs to know it.</summary>
internal readonly record struct StoredRecord(RecordVersion Version, Place Place, Key Owner);

/// <summary>A note: a small value beside the records.</summary>
internal sealed record Note(string Name, byte[] Content, ulong Sequence, Place Place);
