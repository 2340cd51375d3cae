using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// Which lineages have voters in a cell? And, to who coordinates the cell in one of them: take the place of
/// another one, whose views are void then.
/// </summary>
public readonly record struct LineagesMessage
{
    private const int LineagesMax = 16;

    private LineagesMessage(int cell, Lineage kept, Lineage givenUp)
    {
        Cell = cell;
        Kept = kept;
        GivenUp = givenUp;
    }

    /// <summary>Number of cells.</summary>
    public const int Cells = RegisterCells.Count;

    /// <summary>The cell.</summary>
    public int Cell { get; }

    internal Lineage Kept { get; }

    internal Lineage GivenUp { get; }

    /// <summary>The key that is in the middle of a cell, to which questions about it are routed.</summary>
    public static Key MiddleOf(int cell) => RegisterCells.AnchorOf(cell);

    /// <summary>A question.</summary>
    public static ReadOnlyMemory<byte> Ask(int cell) => Encode(new LineagesMessage(cell, default, default));

    /// <summary>An operator's word that a lineage is given up, and another one kept.</summary>
    /// <exception cref="FormatException">One of them is no name of a lineage.</exception>
    public static ReadOnlyMemory<byte> GiveUp(int cell, string kept, string givenUp) =>
        Encode(new LineagesMessage(cell, Lineage.Parse(kept), Lineage.Parse(givenUp)));

    /// <summary>The lineages in an answer; null when it is none.</summary>
    public static IReadOnlyList<CellLineage>? TryDecode(ReadOnlyMemory<byte> answer) =>
        Decoding.TryRead(answer, MessageKind.LineagesAre, ReadAnswer, out CellLineage[]? lineages)
            ? lineages
            : null;

    internal static LineagesMessage Read(ref MessagePackReader reader)
    {
        int cell = reader.ReadInt32();
        if (cell is < 0 or >= Cells)
        {
            throw new MessagePackSerializationException("there is no such cell");
        }

        Lineage kept = VoterParts.ReadLineage(ref reader);
        return new LineagesMessage(cell, kept, VoterParts.ReadLineage(ref reader));
    }

    internal static void Write(PayloadBuffer buffer, IReadOnlyList<CellLineage> lineages)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.LineagesAre, 1);
        int count = Math.Min(lineages.Count, LineagesMax);
        writer.WriteArrayHeader(count * 4);
        foreach (CellLineage lineage in lineages.Take(count))
        {
            writer.Write(lineage.Id);
            KeyCodec.Write(ref writer, lineage.Coordinator);
            writer.Write(lineage.IsServed);
            writer.Write(lineage.Registers);
        }

        writer.Flush();
    }

    private static CellLineage[] ReadAnswer(ref MessagePackReader reader)
    {
        var lineages = new CellLineage[MessageParts.ReadCount(ref reader, LineagesMax * 4) / 4];
        for (int at = 0; at < lineages.Length; at++)
        {
            string id = MessageParts.ReadText(ref reader);
            Key coordinator = KeyCodec.Read(ref reader);
            bool isServed = reader.ReadBoolean();
            lineages[at] = new CellLineage(id, coordinator, isServed, reader.ReadInt32());
        }

        return lineages;
    }

    private static ReadOnlyMemory<byte> Encode(LineagesMessage message)
    {
        var buffer = new PayloadBuffer();
        MessagePackWriter writer = buffer.Begin(MessageKind.Lineages, 5);
        writer.Write(message.Cell);
        VoterParts.Write(ref writer, message.Kept);
        VoterParts.Write(ref writer, message.GivenUp);
        writer.Flush();
        return buffer.Written.ToArray();
    }
}
