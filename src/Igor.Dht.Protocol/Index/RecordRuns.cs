using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Index;

/// <summary>What some records take together.</summary>
internal readonly record struct RecordUse(int Records, long Bytes);

/// <summary>
/// Runs of records in key order that are made apart from a table and put behind its own, all at once: a store
/// that opens makes several such at a time.
/// </summary>
/// <param name="low">A key that no record in it is below.</param>
/// <param name="types">Number of types that the table tells apart.</param>
/// <param name="owners">Number of owners that the table tells apart.</param>
/// <param name="allocate">Makes room for so many records, whatever is in it.</param>
internal sealed class RecordRuns(Key low, int types, int owners, Func<int, RecordSlot[]> allocate)
{
    private const int RunLength = RecordLeaf.LengthMax - 1; // one more, and a run is cut in two

    private readonly List<RecordLeaf> _leaves = [];
    private readonly int[] _classCounts = new int[RecordCodec.ReplicasMax + 1];
    private readonly RecordUse[] _types = new RecordUse[types];
    private RecordUse[] _owners = [];

    /// <summary>The runs.</summary>
    public IReadOnlyList<RecordLeaf> Leaves => _leaves;

    /// <summary>Number of records.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all records.</summary>
    public long Bytes { get; private set; }

    /// <summary>Use by number of a type.</summary>
    public ReadOnlySpan<RecordUse> Types => _types;

    /// <summary>Use by number of an owner; empty when no record has one.</summary>
    public ReadOnlySpan<RecordUse> Owners => _owners;

    /// <summary>Number of records that ask for so many replicas.</summary>
    public int CountOf(int replicas) => _classCounts[replicas];

    /// <summary>Puts a record behind all others, of which none has its key.</summary>
    public void Append(in RecordSlot slot)
    {
        if (_leaves.Count == 0 || _leaves[^1].Count == RunLength)
        {
            _leaves.Add(new RecordLeaf(_leaves.Count == 0 ? low : slot.Key, allocate(RunLength)));
        }

        _leaves[^1].Append(slot);
        Count++;
        Bytes += slot.BodyLength;
        if (slot.Replicas is > 0 and <= RecordCodec.ReplicasMax)
        {
            _classCounts[slot.Replicas]++;
        }

        Add(ref _types[slot.Type], slot);
        if (slot.Owner != 0)
        {
            _owners = _owners.Length == 0 ? new RecordUse[owners] : _owners;
            Add(ref _owners[slot.Owner - 1], slot);
        }
    }

    private static void Add(ref RecordUse use, in RecordSlot slot) =>
        use = new RecordUse(use.Records + 1, use.Bytes + slot.BodyLength);
}
