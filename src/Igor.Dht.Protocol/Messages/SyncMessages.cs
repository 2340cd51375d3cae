using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Messages;

/// <summary>
/// Compare what both hold in an arc: the records that ask for so many replicas, or all for 0.
/// </summary>
internal readonly record struct SyncMessage(int Replicas, Arc Arc, Fingerprint Fingerprint)
{
    /// <summary>Number of parts that an arc is cut into when it differs.</summary>
    public const int Fanout = 16;

    /// <summary>An arc with at most so many records is listed rather than cut.</summary>
    public const int ItemsMax = 128;

    public void Write(PayloadBuffer buffer)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Sync, 5);
        writer.Write(Replicas);
        MessageParts.Write(ref writer, Arc);
        MessageParts.Write(ref writer, Fingerprint);
        writer.Flush();
    }

    public static SyncMessage Read(ref MessagePackReader reader)
    {
        int replicas = reader.ReadInt32();
        if (replicas is < 0 or > RecordCodec.ReplicasMax)
        {
            throw new MessagePackSerializationException($"no record has {replicas} replicas");
        }

        Arc arc = MessageParts.ReadArc(ref reader);
        return new SyncMessage(replicas, arc, MessageParts.ReadFingerprint(ref reader));
    }

    /// <summary>One of the parts that an arc is cut into; null for an arc too short to be cut.</summary>
    public static Arc? Part(Arc arc, int index)
    {
        Key step = arc.IsWhole ? Key.PowerOfTwo(252) : arc.Length.ShiftRight(4);
        if (step == Key.Zero)
        {
            return null;
        }

        Key start = arc.Start;
        for (int at = 0; at < index; at++)
        {
            start += step;
        }

        return new Arc(start, index == Fanout - 1 ? arc.End : start + step);
    }
}

/// <summary>The answers to Sync, and the rest of what roots and replicas tell one another.</summary>
internal static class SyncMessages
{
    /// <summary>Most arcs in one SyncDone.</summary>
    public const int ArcsMax = 256;

    /// <summary>
    /// Both hold the same. Like the two answers below it says which numbers of replicas occur, as bits.
    /// </summary>
    public static void WriteEqual(PayloadBuffer buffer, int classes)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.SyncEqual, 1);
        writer.Write(classes);
        writer.Flush();
    }

    public static void WriteChildren(PayloadBuffer buffer, int classes, ReadOnlySpan<Fingerprint> children)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.SyncChildren, 1 + (SyncMessage.Fanout * 2));
        writer.Write(classes);
        foreach (Fingerprint child in children)
        {
            MessageParts.Write(ref writer, child);
        }

        writer.Flush();
    }

    public static int ReadEqual(ref MessagePackReader reader) => reader.ReadInt32();

    public static (int Classes, Fingerprint[] Children) ReadChildren(ref MessagePackReader reader)
    {
        int classes = reader.ReadInt32();
        var children = new Fingerprint[SyncMessage.Fanout];
        for (int at = 0; at < children.Length; at++)
        {
            children[at] = MessageParts.ReadFingerprint(ref reader);
        }

        return (classes, children);
    }

    public static void WriteItems(PayloadBuffer buffer, int classes, ReadOnlySpan<KeyVersion> items)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.SyncItems, 2);
        writer.Write(classes);
        ReplicaMessages.WriteKeyVersions(ref writer, items);
        writer.Flush();
    }

    public static (int Classes, KeyVersion[] Items) ReadItems(ref MessagePackReader reader)
    {
        int classes = reader.ReadInt32();
        return (classes, ReplicaMessages.ReadKeyVersions(ref reader, SyncMessage.ItemsMax));
    }

    /// <summary>You are in sync with me, the settled root, in these arcs.</summary>
    public static void WriteDone(PayloadBuffer buffer, IReadOnlyList<Arc> arcs)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.SyncDone, 1);
        writer.WriteArrayHeader(arcs.Count * 2);
        foreach (Arc arc in arcs)
        {
            MessageParts.Write(ref writer, arc);
        }

        writer.Flush();
    }

    public static Arc[] ReadDone(ref MessagePackReader reader)
    {
        var arcs = new Arc[MessageParts.ReadCount(ref reader, ArcsMax * 2) / 2];
        for (int at = 0; at < arcs.Length; at++)
        {
            arcs[at] = MessageParts.ReadArc(ref reader);
        }

        return arcs;
    }

    /// <summary>Which arc are you the root of, and have all its replicas what you have there?</summary>
    public static void WriteDescribe(PayloadBuffer buffer, Key key)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Describe, 1);
        KeyCodec.Write(ref writer, key);
        writer.Flush();
    }

    public static void WriteDescribed(PayloadBuffer buffer, Arc arc, bool isReplicated)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Described, 3);
        MessageParts.Write(ref writer, arc);
        writer.Write(isReplicated);
        writer.Flush();
    }

    /// <summary>I am not the root of the key, as far as I know.</summary>
    public static void WriteNotRoot(PayloadBuffer buffer) => buffer.Begin(MessageKind.NotRoot, 0).Flush();

    public static (Arc Arc, bool IsReplicated) ReadDescribed(ref MessagePackReader reader)
    {
        Arc arc = MessageParts.ReadArc(ref reader);
        return (arc, reader.ReadBoolean());
    }
}
