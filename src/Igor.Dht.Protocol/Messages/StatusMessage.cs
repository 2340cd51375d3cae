using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Messages;

/// <summary>
/// How a member is, as it tells clients that are attached to the same node. Hosts exchange it: it is a matter
/// between processes, of which the protocol knows nothing.
/// </summary>
/// <param name="Node">The member.</param>
/// <param name="Store">What its store holds; null when there is none.</param>
public sealed record StatusMessage(DhtNodeStatus Node, StoreStatus? Store)
{
    private const int NeighboursMax = 64;
    private const int StoreFields = 6;

    /// <summary>There are not that many kinds.</summary>
    private const int TroublesMax = 64;

    /// <summary>The message that asks a member.</summary>
    public static ReadOnlyMemory<byte> Question { get; } = new byte[] { 0x91, (byte)MessageKind.Status };

    /// <summary>Whether a message asks how the member is.</summary>
    public static bool IsQuestion(ReadOnlySpan<byte> payload) => payload.SequenceEqual(Question.Span);

    /// <summary>The answer in a message; null when it is none.</summary>
    public static StatusMessage? TryDecode(ReadOnlyMemory<byte> payload) =>
        Decoding.TryRead(payload, MessageKind.StatusIs, Read, out StatusMessage? status) ? status : null;

    /// <summary>The message that answers.</summary>
    public ReadOnlyMemory<byte> Encode()
    {
        var buffer = new PayloadBuffer();
        MessagePackWriter writer = buffer.Begin(MessageKind.StatusIs, 10);
        writer.Write(Node.IsJoined);
        writer.Write(Node.IsSettled);
        writer.Write(Node.IsReplicated);
        MessageParts.Write(ref writer, [.. Node.Neighbours.Take(NeighboursMax)]);
        MessageParts.Write(ref writer, [.. Node.Missing.Take(NeighboursMax)]);
        writer.Write(Node.Records);
        if (Store is { } store)
        {
            Write(ref writer, store);
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
        return buffer.Written;
    }

    private static StatusMessage Read(ref MessagePackReader reader)
    {
        bool isJoined = reader.ReadBoolean();
        bool isSettled = reader.ReadBoolean();
        bool isReplicated = reader.ReadBoolean();
        Key[] neighbours = MessageParts.ReadKeys(ref reader, NeighboursMax);
        Key[] missing = MessageParts.ReadKeys(ref reader, NeighboursMax);
        int records = reader.ReadInt32();
        StoreStatus? store = reader.TryReadNil() ? null : ReadStore(ref reader);
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

    private static void Write(ref MessagePackWriter writer, StoreStatus store)
    {
        writer.WriteArrayHeader(StoreFields);
        writer.Write(store.Records);
        writer.Write(store.LiveBytes);
        writer.Write(store.DiskBytes);
        writer.Write(store.DamagedRecords);
        writer.Write(store.Trouble);
        writer.Write(store.Rebuilt);
    }

    private static StoreStatus ReadStore(ref MessagePackReader reader)
    {
        if (reader.ReadArrayHeader() < StoreFields)
        {
            throw new MessagePackSerializationException("the figures of a store are incomplete");
        }

        return new StoreStatus
        {
            Records = reader.ReadInt64(),
            LiveBytes = reader.ReadInt64(),
            DiskBytes = reader.ReadInt64(),
            DamagedRecords = reader.ReadInt64(),
            Trouble = reader.TryReadNil() ? null : MessageParts.ReadText(ref reader),
            Rebuilt = reader.TryReadNil() ? null : MessageParts.ReadText(ref reader),
        };
    }
}
