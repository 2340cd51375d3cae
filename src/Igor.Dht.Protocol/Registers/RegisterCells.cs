using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// The ring in 256 cells. Whoever coordinates does so for whole cells, so that joins and deaths, each of
/// which moves the arcs of roots, divide what voters keep no further than that. The nodes nearest to the
/// middle of a cell are its voters; calls on its registers are routed there.
/// </summary>
internal static class RegisterCells
{
    /// <summary>Number of cells.</summary>
    public const int Count = 256;

    private const int IndexShift = 56;
    private const ulong Rest = (1UL << IndexShift) - 1;

    /// <summary>All keys.</summary>
    public static KeySpan Whole { get; } = new(Key.Zero, Key.Max);

    /// <summary>The cell of a key.</summary>
    public static int Of(Key key)
    {
        Span<byte> bytes = stackalloc byte[Key.SizeInBytes];
        key.Write(bytes);
        return bytes[0];
    }

    /// <summary>The keys of cells that follow one another.</summary>
    public static KeySpan SpanOf(int first, int last) => new(
        new Key((ulong)first << IndexShift, 0, 0, 0),
        new Key(((ulong)last << IndexShift) | Rest, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue));

    /// <summary>The middle of a cell.</summary>
    public static Key AnchorOf(int cell) =>
        new(((ulong)cell << IndexShift) | (1UL << (IndexShift - 1)), 0, 0, 0);

    /// <summary>Whether a span has the middle of a cell.</summary>
    public static bool IsIn(int cell, KeySpan span)
    {
        Key anchor = AnchorOf(cell);
        return anchor >= span.First && anchor <= span.Last;
    }

    /// <summary>The cells whose middles a span has.</summary>
    public static IEnumerable<int> Of(KeySpan span)
    {
        for (int cell = Of(span.First); cell <= Of(span.Last); cell++)
        {
            if (IsIn(cell, span))
            {
                yield return cell;
            }
        }
    }
}
