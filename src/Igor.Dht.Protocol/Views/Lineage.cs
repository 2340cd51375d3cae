using System.Buffers.Binary;
using System.Globalization;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Views;

/// <summary>
/// One line of descent of views. Registers are linearizable within it; it is drawn at random where a network
/// is founded, and follows from who is left where an operator gives up a majority.
/// </summary>
internal readonly record struct Lineage(ulong High, ulong Low)
{
    /// <summary>The lineage that follows when only some voters are left.</summary>
    public Lineage ChildOf(IEnumerable<Voter> left)
    {
        string who = string.Join(' ', left.Order().Select(voter => string.Create(
            CultureInfo.InvariantCulture, $"{voter.Node}/{voter.Incarnation:x16}")));
        Span<byte> hash = stackalloc byte[Key.SizeInBytes];
        Key.HashOf($"{this} {who}").Write(hash);
        return new Lineage(
            BinaryPrimitives.ReadUInt64BigEndian(hash),
            BinaryPrimitives.ReadUInt64BigEndian(hash[sizeof(ulong)..]));
    }

    /// <summary>The lineage of a name.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static Lineage Parse(string name)
    {
        const int Half = 16;
        ulong low = 0;
        return name.Length == 2 * Half
            && TryParse(name.AsSpan(0, Half), out ulong high) && TryParse(name.AsSpan(Half), out low)
                ? new Lineage(high, low)
                : throw new FormatException($"'{name}' is no name of a lineage, 32 hexadecimal digits");

        static bool TryParse(ReadOnlySpan<char> digits, out ulong number) => ulong.TryParse(
            digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number);
    }

    /// <summary>All of it, in hexadecimal digits.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{High:x16}{Low:x16}");
}
