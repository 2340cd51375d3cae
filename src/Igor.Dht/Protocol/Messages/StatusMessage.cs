using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol;

/// <summary>How a member is, as it tells clients that are attached to the same node.</summary>
internal sealed record StatusMessage(DhtNodeStatus Node, StoreFigures? Store)
{
    private const int NeighboursMax = 64;

    public static void WriteQuestion(PayloadBuffer buffer)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Status, 0);
        writer.Flush();
    }

    public void Write(PayloadBuffer buffer)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.StatusIs, 7);
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

        writer.Flush();
    }

    public static StatusMessage Read(ref MessagePackReader reader)
    {
        bool isJoined = reader.ReadBoolean();
        bool isSettled = reader.ReadBoolean();
        bool isReplicated = reader.ReadBoolean();
        Key[] neighbours = MessageParts.ReadKeys(ref reader, NeighboursMax);
        Key[] missing = MessageParts.ReadKeys(ref reader, NeighboursMax);
        var node = new DhtNodeStatus(
            isJoined, neighbours, missing, isSettled, isReplicated, reader.ReadInt32());
        return new StatusMessage(node, reader.TryReadNil() ? null : StoreFigures.Read(ref reader));
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
