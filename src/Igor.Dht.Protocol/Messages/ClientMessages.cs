using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Messages;

/// <summary>
/// Write this record, and answer within the budget. The record is a slice of the message. The write counts
/// with as many copies as its level says, and not with fewer than the floor (0: a majority). Former names of
/// the put are versions under which it was asked for before, the oldest first.
/// </summary>
internal readonly record struct PutMessage(
    AckLevel Acks,
    TimeSpan Budget,
    ReadOnlyMemory<byte> Record,
    int CopiesMin,
    IReadOnlyList<RecordVersion> FormerNames)
{
    /// <summary>Most former names that a put has; the oldest are dropped.</summary>
    public const int FormerNamesMax = 8;

    public void Write(PayloadBuffer buffer)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Put, 5);
        writer.Write((int)Acks);
        writer.Write((int)Budget.TotalMilliseconds);
        writer.Write(Record.Span);
        writer.Write(CopiesMin);
        writer.WriteArrayHeader(FormerNames.Count);
        foreach (RecordVersion name in FormerNames)
        {
            MessageParts.Write(ref writer, name);
        }

        writer.Flush();
    }

    public static PutMessage Read(ref MessagePackReader reader)
    {
        int acks = reader.ReadInt32();
        if (acks is < (int)AckLevel.One or > (int)AckLevel.All)
        {
            throw new MessagePackSerializationException($"acknowledgement level {acks} is not known");
        }

        TimeSpan budget = ReadBudget(ref reader);
        ReadOnlyMemory<byte> record = MessageParts.ReadBytes(ref reader);
        int copiesMin = reader.End ? 0 : reader.ReadInt32();
        if (copiesMin is < 0 or > RecordCodec.ReplicasMax)
        {
            throw new MessagePackSerializationException($"no record has {copiesMin} copies");
        }

        return new PutMessage((AckLevel)acks, budget, record, copiesMin, ReadNames(ref reader));
    }

    private static RecordVersion[] ReadNames(ref MessagePackReader reader)
    {
        var names = new RecordVersion[reader.End ? 0 : MessageParts.ReadCount(ref reader, FormerNamesMax)];
        for (int at = 0; at < names.Length; at++)
        {
            names[at] = MessageParts.ReadVersion(ref reader);
        }

        return names;
    }

    internal static TimeSpan ReadBudget(ref MessagePackReader reader) =>
        TimeSpan.FromMilliseconds(Math.Clamp(reader.ReadInt32(), 0, 60_000));
}

/// <summary>Read the record of a key, and answer within the budget.</summary>
internal readonly record struct GetMessage(Key Key, GetConsistency Consistency, TimeSpan Budget)
{
    public void Write(PayloadBuffer buffer)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Get, 3);
        KeyCodec.Write(ref writer, Key);
        writer.Write((int)Consistency);
        writer.Write((int)Budget.TotalMilliseconds);
        writer.Flush();
    }

    public static GetMessage Read(ref MessagePackReader reader)
    {
        Key key = KeyCodec.Read(ref reader);
        var consistency = (GetConsistency)reader.ReadInt32();
        return new GetMessage(key, consistency, PutMessage.ReadBudget(ref reader));
    }
}

/// <summary>
/// The record is held by these nodes, in this version. The root knows so many members, counted up to the
/// number of copies asked for. Degraded: they are no majority of those that are to hold it.
/// </summary>
internal readonly record struct PutDoneMessage(
    RecordVersion Version, int Known, IReadOnlyList<Key> Holders, bool IsDegraded)
{
    public void Write(PayloadBuffer buffer)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.PutDone, 5);
        MessageParts.Write(ref writer, Version);
        writer.Write(Known);
        MessageParts.Write(ref writer, Holders);
        writer.Write(IsDegraded);
        writer.Flush();
    }

    public static PutDoneMessage Read(ref MessagePackReader reader)
    {
        RecordVersion version = MessageParts.ReadVersion(ref reader);
        int known = reader.ReadInt32();
        Key[] holders = MessageParts.ReadKeys(ref reader, RecordCodec.ReplicasMax * 2);
        return new PutDoneMessage(version, known, holders, reader.ReadBoolean());
    }
}

/// <summary>Fewer nodes hold the record than are needed; these do.</summary>
internal readonly record struct NotEnoughMessage(int Needed, IReadOnlyList<Key> Holders, string Text)
{
    public void Write(PayloadBuffer buffer)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.NotEnough, 3);
        writer.Write(Needed);
        MessageParts.Write(ref writer, Holders);
        writer.Write(Text);
        writer.Flush();
    }

    public static NotEnoughMessage Read(ref MessagePackReader reader)
    {
        int needed = reader.ReadInt32();
        Key[] holders = MessageParts.ReadKeys(ref reader, RecordCodec.ReplicasMax * 2);
        return new NotEnoughMessage(needed, holders, MessageParts.ReadText(ref reader));
    }
}

/// <summary>How a read ended; the record (a slice of the message) is there when it was found.</summary>
internal readonly record struct GotMessage(
    GetOutcome Outcome,
    bool IsDegraded,
    int Answered,
    int Asked,
    RecordVersion Version,
    long ExpiresAtUnixMs,
    ReadOnlyMemory<byte> Record)
{
    public void Write(PayloadBuffer buffer)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Got, 8);
        writer.Write((int)Outcome);
        writer.Write(IsDegraded);
        writer.Write(Answered);
        writer.Write(Asked);
        MessageParts.Write(ref writer, Version);
        writer.Write(ExpiresAtUnixMs);
        writer.Write(Record.Span);
        writer.Flush();
    }

    public static GotMessage Read(ref MessagePackReader reader)
    {
        int outcome = reader.ReadInt32();
        if (outcome is < (int)GetOutcome.Found or > (int)GetOutcome.Unreachable)
        {
            throw new MessagePackSerializationException($"outcome {outcome} is not known");
        }

        bool isDegraded = reader.ReadBoolean();
        int answered = reader.ReadInt32();
        int asked = reader.ReadInt32();
        RecordVersion version = MessageParts.ReadVersion(ref reader);
        long expiresAt = reader.ReadInt64();
        return new GotMessage(
            (GetOutcome)outcome,
            isDegraded,
            answered,
            asked,
            version,
            expiresAt,
            MessageParts.ReadBytes(ref reader));
    }
}
