using System.Runtime.InteropServices;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Storage.Hints;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

// All segments' entries, each segment's by key, are merged by key. The keys are cut into ranges with as many
// entries each, one for each processor, which are merged at the same time and then put one behind the other.

namespace Igor.Dht.Storage.Opening;

/// <summary>A record that was there and is not any more.</summary>
/// <param name="Lost">What it was.</param>
/// <param name="Segment">Where it lay.</param>
internal readonly record struct LostRecord(Holding Lost, int Segment);

/// <summary>What stands in one segment.</summary>
/// <param name="Hint">The entries.</param>
/// <param name="Length">Bytes that the segment has.</param>
/// <param name="Types">The index's numbers of the entries' types.</param>
/// <param name="Owners">The index's numbers of the entries' owners, each and one.</param>
internal sealed record MergeSource(IHintSource Hint, long Length, ushort[] Types, int[] Owners);

/// <summary>Builds the index from what stands in the segments.</summary>
internal sealed class HintMerge
{
    // A smaller range is not worth a thread of its own.
    private const int RangeEntriesMin = 50_000;

    // Each range has a block of each hint in memory, 21 KiB.
    private const int CursorsMax = 2048;

    private readonly SegmentLog _log;
    private readonly MergeSource[] _sources;
    private readonly RecordTable _table = new();
    private readonly Dictionary<int, SegmentUse> _segments = [];
    private volatile bool _isAborted;

    /// <summary>Prepares a merge.</summary>
    /// <param name="log">The segments.</param>
    /// <param name="sources">What stands in each, in the order of the log.</param>
    public HintMerge(SegmentLog log, IEnumerable<IHintSource> sources)
    {
        _log = log;
        _sources = [.. sources.Select(source => new MergeSource(
            source,
            log.Find(source.Segment)?.Length ?? 0,
            [.. source.Types.Select(type => (ushort)_table.Types.NumberOf(type))],
            [.. source.Owners.Select(owner => _table.Owners.NumberOf(owner) + 1)]))];
    }

    /// <summary>Records that were there and are damaged, or whose segment is cut or gone.</summary>
    public List<LostRecord> Lost { get; } = [];

    /// <summary>As many ranges as there are processors and are worth it.</summary>
    public int RangesByDefault => (int)Math.Clamp(
        _sources.Sum(source => (long)source.Hint.Count) / RangeEntriesMin,
        1,
        Math.Clamp(CursorsMax / Math.Max(1, _sources.Length), 1, Environment.ProcessorCount));

    /// <summary>Merges all, and makes the index.</summary>
    /// <param name="end">Up to where the log was read.</param>
    /// <param name="rangesMax">Most ranges of keys to merge at a time.</param>
    /// <exception cref="HintDamagedException">
    /// A hint is damaged: its segment is to be read, and this begun anew.
    /// </exception>
    public StoreIndex Run(LogPosition end, int rangesMax)
    {
        HintRange[] ranges = [.. SpansOf(rangesMax).Select(span => new HintRange(
            span,
            _sources,
            new RecordRuns(span.First, _table.Types.Names, _table.Owners.Names, FreshMemory.Slots)))];
        MergeAll(ranges);
        var notes = new Dictionary<string, Note>();
        foreach (HintRange range in ranges)
        {
            _table.Append(range.Runs);
            Lost.AddRange(range.Lost);
            foreach ((int segment, SegmentUse use) in range.Segments)
            {
                Count(segment, use);
            }

            foreach (List<(ulong Sequence, Place Place)> versions in range.Notes.Values)
            {
                ReadNote(versions, notes);
            }
        }

        _table.Types.DropUnused();
        _table.Owners.DropUnused();
        return new StoreIndex(_table, _segments, notes, end);
    }

    /// <summary>Cuts all keys into spans of about as many entries each.</summary>
    private List<KeySpan> SpansOf(int countMax)
    {
        var spans = new List<KeySpan>();
        Key first = Key.Zero;
        if (countMax > 1)
        {
            long all = _sources.Sum(source => (long)source.Hint.Count);
            int step = (int)Math.Max(1, all / (64L * countMax));
            Key[] samples = [.. _sources.SelectMany(source => source.Hint.Sample(step)).Order()];
            for (int i = 1; i < countMax && samples.Length > 0; i++)
            {
                Key next = samples[samples.Length * i / countMax];
                if (next > first)
                {
                    spans.Add(new KeySpan(first, next - KeySpan.One));
                    first = next;
                }
            }
        }

        spans.Add(new KeySpan(first, Key.Max));
        return spans;
    }

    private void MergeAll(HintRange[] ranges)
    {
        try
        {
            Parallel.ForEach(
                ranges, new ParallelOptions { MaxDegreeOfParallelism = ranges.Length }, MergeOne);
        }
        catch (AggregateException e) when (
            e.InnerExceptions.OfType<HintDamagedException>().FirstOrDefault() is { } damage)
        {
            throw new HintDamagedException(damage.Segment);
        }
    }

    private void MergeOne(HintRange range)
    {
        try
        {
            range.Run(() => _isAborted);
        }
        catch
        {
            _isAborted = true; // the others need not end what is begun anew
            throw;
        }
    }

    private void ReadNote(List<(ulong Sequence, Place Place)> versions, Dictionary<string, Note> notes)
    {
        foreach ((ulong sequence, Place place) in versions
            .OrderByDescending(version => version.Sequence)
            .ThenByDescending(version => version.Place.Segment)
            .ThenByDescending(version => version.Place.Offset))
        {
            if (_log.Read(place.Segment, place.Offset, out _, out byte[]? body) == EntryReading.Intact
                && NoteCodec.TryDecode(body, out string name, out byte[] content))
            {
                notes[name] = new Note(name, content, sequence, place);
                Count(place.Segment, new SegmentUse(place.EntryBytes, 0));
                break;
            }
        }
    }

    private void Count(int segment, SegmentUse more)
    {
        ref SegmentUse use = ref CollectionsMarshal.GetValueRefOrAddDefault(_segments, segment, out _);
        use += more;
    }
}
