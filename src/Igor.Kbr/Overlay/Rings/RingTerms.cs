using System.Buffers.Binary;

namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// A neighbour set as numbers, for comparing it with a neighbour's. Each node of a ring has a term, 64 mixed
/// bits of the service and its id. What a node and its neighbour both must know is where their two sets
/// overlap: the sum of the terms there is the same on both sides exactly when both see the same nodes. Sums
/// need no order and no walk over other rings: those of all rings that two nodes share add up to one number.
/// </summary>
internal sealed class RingTerms((Key Id, ulong Part)[] parts, Key[] adjacent, ImmutableArray<uint> known)
{
    public static readonly RingTerms None = new([], [], []);

    /// <summary>Each neighbour, and the sum over the nodes that it must know as well as this one.</summary>
    public ReadOnlySpan<(Key Id, ulong Part)> Parts => parts;

    /// <summary>
    /// The short terms of this node and all its neighbours, clockwise: from the farthest one back to the
    /// farthest one ahead, or from this node round the whole ring.
    /// </summary>
    public ImmutableArray<uint> Known => known;

    /// <summary>The nearest neighbour on either side, once if it is the same.</summary>
    public ReadOnlySpan<Key> Adjacent => adjacent;

    /// <summary>Takes the sums of a set. A node that is no member is known to nobody, and has none.</summary>
    /// <param name="service">The ring.</param>
    /// <param name="set">This node's set in it.</param>
    /// <param name="perSide">Neighbours on either side, the same for all nodes of a network.</param>
    public static RingTerms Of(ServiceId service, NeighbourSet set, int perSide)
    {
        if (!set.IsMember || set.Count == 0)
        {
            return None;
        }

        ulong own = Term(service, set.Self);
        ImmutableArray<uint> known = [.. Line(set).Select(id => Short(Term(service, id)))];
        (Key next, Key previous) = (set.Clockwise[0], set.CounterClockwise[0]);
        Key[] adjacent = next == previous ? [next] : [next, previous];
        if (set.IsWholeRing)
        {
            ulong all = own;
            foreach (Key id in set.Others)
            {
                all += Term(service, id);
            }

            return new RingTerms([.. set.Others.Select(id => (id, all))], adjacent, known);
        }

        var parts = new (Key, ulong)[set.Clockwise.Length + set.CounterClockwise.Length];
        ulong[] ahead = SumsFrom(service, set.Clockwise);
        ulong[] back = SumsFrom(service, set.CounterClockwise);
        Fill(parts.AsSpan(0, set.Clockwise.Length), set.Clockwise, own + ahead[^1], back, perSide);
        Fill(parts.AsSpan(set.Clockwise.Length), set.CounterClockwise, own + back[^1], ahead, perSide);
        return new RingTerms(parts, adjacent, known);
    }

    /// <summary>The sum for one neighbour; 0 for others.</summary>
    public ulong PartOf(Key id) => Array.Find(parts, part => part.Id == id).Part;

    /// <summary>This node and its neighbours in that order.</summary>
    public static IEnumerable<Key> Line(NeighbourSet set) => set.IsWholeRing
        ? set.Others.Prepend(set.Self)
        : set.CounterClockwise.Reverse().Append(set.Self).Concat(set.Clockwise);

    /// <summary>
    /// 64 bits of a node in a ring. Not to be broken, only to be spread: who makes up an id that hides behind
    /// another keeps two nodes from noticing a difference in their words that others show them.
    /// </summary>
    public static ulong Term(ServiceId service, Key id)
    {
        Span<byte> bytes = stackalloc byte[Key.SizeInBytes];
        id.Write(bytes);
        ulong mixed = SeededRandom.Mix((ulong)service.Value)
            + SeededRandom.Mix((ulong)(service.Value >> 64) ^ 0x9E3779B97F4A7C15);
        for (int at = 0; at < bytes.Length; at += sizeof(ulong))
        {
            mixed = SeededRandom.Mix(mixed ^ BinaryPrimitives.ReadUInt64BigEndian(bytes[at..]));
        }

        return mixed;
    }

    /// <summary>What is left of a term where nodes are listed one by one.</summary>
    public static uint Short(ulong term) => (uint)(term >> 32);

    /// <summary>
    /// The neighbours of one side. The k-th of them knows as far back as that many places less on this node's
    /// other side.
    /// </summary>
    private static void Fill(
        Span<(Key, ulong)> parts, ImmutableArray<Key> side, ulong near, ulong[] other, int perSide)
    {
        for (int i = 0; i < side.Length; i++)
        {
            int reach = Math.Clamp(perSide - (i + 1), 0, other.Length - 1);
            parts[i] = (side[i], near + other[reach]);
        }
    }

    /// <summary>The sums of the first 0, 1, 2 ... nodes.</summary>
    private static ulong[] SumsFrom(ServiceId service, ImmutableArray<Key> side)
    {
        var sums = new ulong[side.Length + 1];
        for (int i = 0; i < side.Length; i++)
        {
            sums[i + 1] = sums[i] + Term(service, side[i]);
        }

        return sums;
    }
}
