using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

namespace Igor.Dht.Storage.Hints;

/// <summary>
/// What stands in one segment, without the records themselves: gathered by a scan, sorted by key and, for
/// one key, in the order of the log.
/// </summary>
internal sealed class HintEntries : IHintSource
{
    private readonly Dictionary<string, int> _typeNumbers = [];
    private readonly Dictionary<Key, int> _ownerNumbers = [];
    private RecordSlot[] _slots = [];

    /// <summary>The segment.</summary>
    public int Segment { get; private set; }

    /// <summary>What tells the segment's file from another of the same number.</summary>
    public ulong Salt { get; private set; }

    /// <summary>Up to where the segment was read.</summary>
    public long Covered { get; set; }

    /// <summary>Whether nothing may be appended to the segment: it is sealed, or damaged.</summary>
    public bool IsClosed { get; set; }

    /// <inheritdoc/>
    public int Count { get; private set; }

    /// <inheritdoc/>
    public List<string> Types { get; } = [];

    /// <inheritdoc/>
    public List<Key> Owners { get; } = [];

    /// <summary>The entries.</summary>
    public ReadOnlySpan<RecordSlot> Slots => _slots.AsSpan(0, Count);

    /// <summary>Begins anew with another segment.</summary>
    public void Begin(Segment segment)
    {
        (Segment, Salt, Covered, Count) = (segment.Id, segment.Salt ?? 0, 0, 0);
        Types.Clear();
        Owners.Clear();
        _typeNumbers.Clear();
        _ownerNumbers.Clear();
    }

    /// <summary>Adds a record.</summary>
    public void AddRecord(Record record, Place place)
    {
        RecordHeader header = record.Header;
        ref RecordSlot slot = ref Next(HintKind.Record, header.Key, header.Version, place);
        slot.Digest = record.Digest;
        slot.ExpiresAtUnixMs = header.ExpiresAtUnixMs;
        slot.ValueLength = header.ValueLength;
        slot.Replicas = (byte)header.Replicas;
        slot.IsTombstone = header.IsTombstone;
        slot.Type = (ushort)NumberOf(header.Type, _typeNumbers, Types);
        slot.Owner = header.Owner == Key.Zero ? 0 : NumberOf(header.Owner, _ownerNumbers, Owners) + 1;
    }

    /// <summary>Adds an entry of another kind.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="header">Its header.</param>
    /// <param name="place">Where it lies.</param>
    /// <param name="hidesUpTo">For a removal, the last segment in which it hides something.</param>
    public void Add(HintKind kind, in EntryHeader header, Place place, int hidesUpTo = 0) =>
        Next(kind, header.Key, header.Version, place).ValueLength = hidesUpTo;

    /// <summary>Puts the entries in order.</summary>
    public void Sort() => _slots.AsSpan(0, Count).Sort(static (left, right) =>
    {
        int order = left.Key.CompareTo(right.Key);
        return order != 0 ? order : left.Offset.CompareTo(right.Offset);
    });

    /// <inheritdoc/>
    public IEnumerable<Key> Sample(int step)
    {
        for (int at = 0; at < Count; at += step)
        {
            yield return _slots[at].Key;
        }
    }

    /// <inheritdoc/>
    public HintCursor From(Key first) => new HintCursor(_slots, Count).PassTo(first);

    private static int NumberOf<T>(T name, Dictionary<T, int> numbers, List<T> names)
        where T : notnull
    {
        if (!numbers.TryGetValue(name, out int number))
        {
            number = names.Count;
            names.Add(name);
            numbers.Add(name, number);
        }

        return number;
    }

    private ref RecordSlot Next(HintKind kind, Key key, RecordVersion version, Place place)
    {
        if (Count == _slots.Length)
        {
            Array.Resize(ref _slots, Math.Max(1024, Count * 2));
        }

        ref RecordSlot slot = ref _slots[Count++];
        slot = new RecordSlot
        {
            Key = key,
            Version = version,
            Segment = place.Segment,
            Offset = place.Offset,
            BodyLength = place.BodyLength,
        };
        HintKinds.Mark(ref slot, kind);
        return ref slot;
    }
}
