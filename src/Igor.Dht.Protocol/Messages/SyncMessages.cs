using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Messages;

/// <summary>
/// Compare what both hold in an arc: the records that ask for so many replicas, or all for 0. The root of the
/// keys asks for the word about them besides (see Follow).
/// </summary>
internal readonly record struct SyncMessage(int Replicas, Arc Arc, Fingerprint Fingerprint, bool IsAsRoot)
{
    /// <summary>Number of parts that an arc is cut into when it differs.</summary>
    public const int Fanout = 16;

    /// <summary>An arc with at most so many records is listed rather than cut.</summary>
    public const int ItemsMax = 128;

    public void Write(PayloadBuffer buffer)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Sync, 6);
        writer.Write(Replicas);
        MessageParts.Write(ref writer, Arc);
        MessageParts.Write(ref writer, Fingerprint);
        writer.Write(IsAsRoot);
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
        Fingerprint fingerprint = MessageParts.ReadFingerprint(ref reader);
        return new SyncMessage(replicas, arc, fingerprint, reader.ReadBoolean());
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

/// <summary>What each answer to Sync says beside what is held.</summary>
/// <param name="Classes">Which numbers of replicas occur, as bits.</param>
/// <param name="Term">
/// The term (see Follow) if the root that asks has the word about all keys asked for; else 0.
/// </param>
internal readonly record struct SyncStanding(int Classes, ulong Term)
{
    public void Write(ref MessagePackWriter writer)
    {
        writer.Write(Classes);
        writer.Write(Term);
    }

    public static SyncStanding Read(ref MessagePackReader reader)
    {
        int classes = reader.ReadInt32();
        return new SyncStanding(classes, reader.ReadUInt64());
    }
}

/// <summary>The answers to Sync, and the rest of what roots and replicas tell one another.</summary>
internal static class SyncMessages
{
    /// <summary>Most arcs in one SyncDone.</summary>
    public const int ArcsMax = 256;

    /// <summary>
    /// Both hold the same. Like the two answers below it says first what they have in common.
    /// </summary>
    public static void WriteEqual(PayloadBuffer buffer, SyncStanding standing)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.SyncEqual, 2);
        standing.Write(ref writer);
        writer.Flush();
    }

    public static void WriteChildren(
        PayloadBuffer buffer, SyncStanding standing, ReadOnlySpan<Fingerprint> children)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.SyncChildren, 2 + (SyncMessage.Fanout * 2));
        standing.Write(ref writer);
        foreach (Fingerprint child in children)
        {
            MessageParts.Write(ref writer, child);
        }

        writer.Flush();
    }

    public static SyncStanding ReadEqual(ref MessagePackReader reader) => SyncStanding.Read(ref reader);

    public static (SyncStanding Standing, Fingerprint[] Children) ReadChildren(ref MessagePackReader reader)
    {
        var standing = SyncStanding.Read(ref reader);
        var children = new Fingerprint[SyncMessage.Fanout];
        for (int at = 0; at < children.Length; at++)
        {
            children[at] = MessageParts.ReadFingerprint(ref reader);
        }

        return (standing, children);
    }

    public static void WriteItems(
        PayloadBuffer buffer, SyncStanding standing, ReadOnlySpan<HeldVersion> items)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.SyncItems, 3);
        standing.Write(ref writer);
        writer.WriteArrayHeader(items.Length * 4);
        foreach (HeldVersion item in items)
        {
            KeyCodec.Write(ref writer, item.Key);
            MessageParts.Write(ref writer, item.Version);
            writer.Write(item.Digest);
        }

        writer.Flush();
    }

    public static (SyncStanding Standing, HeldVersion[] Items) ReadItems(ref MessagePackReader reader)
    {
        var standing = SyncStanding.Read(ref reader);
        var items = new HeldVersion[MessageParts.ReadCount(ref reader, SyncMessage.ItemsMax * 4) / 4];
        for (int at = 0; at < items.Length; at++)
        {
            Key key = KeyCodec.Read(ref reader);
            RecordVersion version = MessageParts.ReadVersion(ref reader);
            items[at] = new HeldVersion(key, version, reader.ReadUInt32());
        }

        return (standing, items);
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

    public static Arc[] ReadDone(ref MessagePackReader reader) => ReadArcs(ref reader);

    /// <summary>
    /// Give me, the root, your word about the keys of these arcs, and to nobody else for so long.
    /// </summary>
    public static void WriteFollow(PayloadBuffer buffer, TimeSpan lease, ArcSet arcs)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Follow, 2);
        writer.Write((int)lease.TotalMilliseconds);
        WriteArcs(ref writer, arcs);
        writer.Flush();
    }

    public static (TimeSpan Lease, ArcSet Arcs) ReadFollow(ref MessagePackReader reader)
    {
        var lease = TimeSpan.FromMilliseconds(Math.Clamp(reader.ReadInt32(), 0, 60_000));
        return (lease, ReadArcSet(ref reader));
    }

    /// <summary>
    /// You have my word, and the lease, for these arcs; the term is another when somebody else had it.
    /// </summary>
    public static void WriteFollowing(PayloadBuffer buffer, ulong term, ArcSet granted)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Following, 2);
        writer.Write(term);
        WriteArcs(ref writer, granted);
        writer.Flush();
    }

    public static (ulong Term, ArcSet Granted) ReadFollowing(ref MessagePackReader reader)
    {
        ulong term = reader.ReadUInt64();
        return (term, ReadArcSet(ref reader));
    }

    private static void WriteArcs(ref MessagePackWriter writer, ArcSet arcs)
    {
        writer.WriteArrayHeader(arcs.Spans.Count * 2);
        foreach (Arc arc in arcs.Arcs())
        {
            MessageParts.Write(ref writer, arc);
        }
    }

    private static ArcSet ReadArcSet(ref MessagePackReader reader)
    {
        var arcs = new ArcSet();
        foreach (Arc arc in ReadArcs(ref reader))
        {
            arcs.Add(arc);
        }

        return arcs;
    }

    private static Arc[] ReadArcs(ref MessagePackReader reader)
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
