using System.Buffers.Binary;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Views;

/// <summary>
/// Who votes: a node, with the store that it has. A store that was lost, damaged or brought back from a copy
/// is another incarnation, which remembers none of the promises and has no vote until a view admits it.
/// </summary>
/// <param name="Node">The node.</param>
/// <param name="Incarnation">Drawn at random when the store was made.</param>
internal readonly record struct Voter(Key Node, ulong Incarnation) : IComparable<Voter>
{
    /// <summary>
    /// Tells voters apart in a few bytes: some of the node's id and all of the incarnation.
    /// </summary>
    public ulong Mark
    {
        get
        {
            Span<byte> id = stackalloc byte[Key.SizeInBytes];
            Node.Write(id);
            return BinaryPrimitives.ReadUInt64BigEndian(id) ^ Incarnation;
        }
    }

    /// <inheritdoc/>
    public int CompareTo(Voter other)
    {
        int order = Node.CompareTo(other.Node);
        return order != 0 ? order : Incarnation.CompareTo(other.Incarnation);
    }

    /// <summary>The start of the node's id, and the incarnation.</summary>
    public override string ToString() => $"{Node.ToShortString()}/{Incarnation:x}";
}
