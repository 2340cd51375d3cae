using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Messages;

/// <summary>How a member is, as it tells clients that are attached to the same node.</summary>
internal sealed record StatusMessage(DhtNodeStatus Node, StoreFigures? Store)
{
    private const int NeighboursMax = 64;

    /// <summary>There are not that many kinds.</summary>
    private const int TroublesMax = 64;

    public static void WriteQuestion(PayloadBuffer buffer)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Status, 0);
        writer.Flush();
    }

    public void Write(PayloadBuffer buffer)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.StatusIs, 10);
        writer.Write(Node.IsJoined);
        writer.Write(Node.IsSettled);
        writer.Write(Node.IsReplicated);
        MessageParts.Write(ref writer, [.. Node.Neighbours.Take(NeighboursMax)]);
        MessageParts.Write(ref writer, [.. Node.Missing.Take(NeighboursMax)]);
        writer.Write(Node.Records);
        if (Store is { } store)
        {
            store.Write(ref writer);
        }
        else
        {
            writer.WriteNil();
        }

        Trouble[] troubles = [.. Node.Troubles.Take(TroublesMax)];
        writer.WriteArrayHeader(troubles.Length);
        foreach (Trouble trouble in troubles)
        {
            writer.WriteArrayHeader(2);
            writer.Write(trouble.Kind);
            writer.Write(trouble.Text);
        }

        writer.Write(Node.RefusedMessages);
        writer.Write(Node.RefusedRecords);
        writer.Flush();
    }

    public static StatusMessage Read(ref MessagePackReader reader)
    {
        bool isJoined = reader.ReadBoolean();
        bool isSettled = reader.ReadBoolean();
        bool isReplicated = reader.ReadBoolean();
        Key[] neighbours = MessageParts.ReadKeys(ref reader, NeighboursMax);
        Key[] missing = MessageParts.ReadKeys(ref reader, NeighboursMax);
        int records = reader.ReadInt32();
        StoreFigures? store = reader.TryReadNil() ? null : StoreFigures.Read(ref reader);
        var node = new DhtNodeStatus(
            isJoined, neighbours, missing, isSettled, isReplicated, records, ReadTroubles(ref reader));
        return new StatusMessage(
            node with { RefusedMessages = reader.ReadInt64(), RefusedRecords = reader.ReadInt64() }, store);
    }

    private static Trouble[] ReadTroubles(ref MessagePackReader reader)
    {
        var troubles = new Trouble[MessageParts.ReadCount(ref reader, TroublesMax)];
        for (int at = 0; at < troubles.Length; at++)
        {
            if (reader.ReadArrayHeader() < 2)
            {
                throw new MessagePackSerializationException("a trouble has a kind and a text");
            }

            troubles[at] = new Trouble(MessageParts.ReadText(ref reader), MessageParts.ReadText(ref reader));
        }

        return troubles;
    }
}

/// <summary>What a member's store holds and how it is.</summary>
internal sealed record StoreFigures(
    long Records, long LiveBytes, long DiskBytes, long DamagedRecords, string? Trouble, string? Rebuilt)
{
    private const int Fields = 6;

    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(Fields);
        writer.Write(Records);
        writer.Write(LiveBytes);
        writer.Write(DiskBytes);
        writer.Write(DamagedRecords);
        writer.Write(Trouble);
        writer.Write(Rebuilt);
    }

    public static StoreFigures Read(ref MessagePackReader reader)
    {
        if (reader.ReadArrayHeader() < Fields)
        {
            throw new MessagePackSerializationException("the figures of a store are incomplete");
        }

        return new StoreFigures(
            reader.ReadInt64(),
            reader.ReadInt64(),
            reader.ReadInt64(),
            reader.ReadInt64(),
            reader.TryReadNil() ? null : MessageParts.ReadText(ref reader),
            reader.TryReadNil() ? null : MessageParts.ReadText(ref reader));
    }
}
