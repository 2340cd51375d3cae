using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Messages;

/// <summary>What became of one record that was to be stored.</summary>
internal enum StoredStatus
{
    /// <summary>Held durably in this version.</summary>
    Held,

    /// <summary>A newer version is held.</summary>
    Newer,

    /// <summary>No room for it.</summary>
    OverQuota,

    /// <summary>The disk is full or failed.</summary>
    Failed,

    /// <summary>Too much waits for the disk already.</summary>
    Busy,

    /// <summary>The record breaks the rules of its type or its bound in time, or is none.</summary>
    Refused,
}

/// <summary>One entry of the answer to Store.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Version">The version that is held now.</param>
/// <param name="IsApart">
/// Whether the replica gives its word to another root: what it holds is a copy, and counts for no majority.
/// </param>
internal readonly record struct StoredEntry(
    StoredStatus Status, RecordVersion Version, bool IsApart = false);

/// <summary>What a replica has for one key that was asked for.</summary>
internal enum FetchedStatus
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Only an older version than the asker said it has.</summary>
    NotNewer,

    /// <summary>The record follows.</summary>
    Record,

    /// <summary>Something newer that did not fit into the answer.</summary>
    Omitted,

    /// <summary>The version that the asker said it has.</summary>
    Same,
}

/// <summary>One entry of the answer to Fetch; the record is a slice of the message.</summary>
/// <param name="Status">What is held.</param>
/// <param name="VotesFrom">
/// The fewest copies that a record asks for of which the replica knows, when "nothing" means that there is
/// nothing, as far as it knows: a vote. Else 0.
/// </param>
/// <param name="IsApart">Whether the replica gives its word about the key to another root.</param>
/// <param name="Record">The record.</param>
internal readonly record struct FetchedEntry(
    FetchedStatus Status, int VotesFrom, bool IsApart, ReadOnlyMemory<byte> Record)
{
    /// <summary>Whether "nothing" means that there is nothing, as far as the replica knows.</summary>
    public bool HasVote => VotesFrom > 0;
}

/// <summary>Messages between the replicas of a key about its record.</summary>
internal static class ReplicaMessages
{
    /// <summary>Most records in one Store, and most keys in one Fetch.</summary>
    public const int BatchCountMax = 256;

    /// <summary>Bytes after which no further record goes into a message.</summary>
    public const int BatchBytesMax = 256 * 1024;

    /// <summary>Store these records. A coordinated store comes from the root, as part of a put.</summary>
    public static void WriteStore(PayloadBuffer buffer, bool isCoordinated, ReadOnlySpan<Record> records)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Store, 2);
        writer.Write(isCoordinated);
        writer.WriteArrayHeader(records.Length);
        foreach (Record record in records)
        {
            writer.Write(record.Encoded.Span);
        }

        writer.Flush();
    }

    /// <summary>Reads the records of Store, encoded: slices of the message.</summary>
    public static (bool IsCoordinated, ReadOnlyMemory<byte>[] Records) ReadStore(ref MessagePackReader reader)
    {
        bool isCoordinated = reader.ReadBoolean();
        var records = new ReadOnlyMemory<byte>[MessageParts.ReadCount(ref reader, BatchCountMax)];
        for (int at = 0; at < records.Length; at++)
        {
            records[at] = MessageParts.ReadBytes(ref reader);
        }

        return (isCoordinated, records);
    }

    public static void WriteStored(PayloadBuffer buffer, ReadOnlySpan<StoredEntry> entries)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Stored, 1);
        writer.WriteArrayHeader(entries.Length * 4);
        foreach (StoredEntry entry in entries)
        {
            writer.Write((int)entry.Status);
            MessageParts.Write(ref writer, entry.Version);
            writer.Write(entry.IsApart);
        }

        writer.Flush();
    }

    public static StoredEntry[] ReadStored(ref MessagePackReader reader)
    {
        var entries = new StoredEntry[MessageParts.ReadCount(ref reader, BatchCountMax * 4) / 4];
        for (int at = 0; at < entries.Length; at++)
        {
            var status = (StoredStatus)reader.ReadInt32();
            RecordVersion version = MessageParts.ReadVersion(ref reader);
            entries[at] = new StoredEntry(status, version, reader.ReadBoolean());
        }

        return entries;
    }

    /// <summary>
    /// Send what is newer than these versions of these keys. Who asks as their root asks for votes besides.
    /// </summary>
    public static void WriteFetch(PayloadBuffer buffer, bool isAsRoot, ReadOnlySpan<KeyVersion> keys)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Fetch, 2);
        writer.Write(isAsRoot);
        WriteKeyVersions(ref writer, keys);
        writer.Flush();
    }

    public static (bool IsAsRoot, KeyVersion[] Keys) ReadFetch(ref MessagePackReader reader)
    {
        bool isAsRoot = reader.ReadBoolean();
        return (isAsRoot, ReadKeyVersions(ref reader, BatchCountMax));
    }

    public static void WriteFetched(PayloadBuffer buffer, ReadOnlySpan<FetchedEntry> entries)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Fetched, 1);
        writer.WriteArrayHeader(entries.Length * 4);
        foreach (FetchedEntry entry in entries)
        {
            writer.Write((int)entry.Status);
            writer.Write(entry.VotesFrom);
            writer.Write(entry.IsApart);
            writer.Write(entry.Record.Span);
        }

        writer.Flush();
    }

    public static FetchedEntry[] ReadFetched(ref MessagePackReader reader)
    {
        var entries = new FetchedEntry[MessageParts.ReadCount(ref reader, BatchCountMax * 4) / 4];
        for (int at = 0; at < entries.Length; at++)
        {
            var status = (FetchedStatus)reader.ReadInt32();
            int votesFrom = reader.ReadInt32();
            bool isApart = reader.ReadBoolean();
            entries[at] = new FetchedEntry(status, votesFrom, isApart, MessageParts.ReadBytes(ref reader));
        }

        return entries;
    }

    internal static void WriteKeyVersions(ref MessagePackWriter writer, ReadOnlySpan<KeyVersion> keys)
    {
        writer.WriteArrayHeader(keys.Length * 3);
        foreach (KeyVersion key in keys)
        {
            KeyCodec.Write(ref writer, key.Key);
            MessageParts.Write(ref writer, key.Version);
        }
    }

    internal static KeyVersion[] ReadKeyVersions(ref MessagePackReader reader, int countMax)
    {
        var keys = new KeyVersion[MessageParts.ReadCount(ref reader, countMax * 3) / 3];
        for (int at = 0; at < keys.Length; at++)
        {
            Key key = KeyCodec.Read(ref reader);
            keys[at] = new KeyVersion(key, MessageParts.ReadVersion(ref reader));
        }

        return keys;
    }
}
