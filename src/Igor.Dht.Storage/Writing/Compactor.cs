using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Hints;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;
using Igor.Kbr;

// Frees the space of segments that are mostly dead: what is alive is copied to the end of the log in small
// steps between batches, no faster than is set, and the segment is deleted once the copies are on disk. A
// removal is copied as long as a segment is left in which something that it hides may lie.

namespace Igor.Dht.Storage.Writing;

/// <summary>Compacts one segment after the other. Belongs to the writer's thread.</summary>
internal sealed class Compactor(StoreContext store) : IDisposable
{
    private const int StepBytesMax = 256 * 1024;
    private const int StepEntriesMax = 2000;

    private readonly Queue<int> _emptied = new();
    private SegmentScanner? _scanner;
    private int _victim;
    private long _dueAtMs;
    private int _holds;
    private volatile bool _isBusy;

    /// <summary>Whether there is something to copy.</summary>
    public bool IsCopying => _scanner is not null;

    /// <summary>
    /// Whether the next step may be taken: what writes need of the disk is left to them, but on a full one,
    /// where they wait for this.
    /// </summary>
    public bool IsDue => IsCopying && (store.IsFull || Environment.TickCount64 >= _dueAtMs);

    /// <summary>Whether a segment is being copied, or waits to be deleted. For any thread.</summary>
    public bool IsBusy => _isBusy;

    /// <summary>Whether no segment is deleted at present: a backup copies them.</summary>
    public bool IsHeld => Volatile.Read(ref _holds) > 0;

    /// <summary>Has no segment deleted until as many releases have come. For any thread.</summary>
    public void Hold() => Interlocked.Increment(ref _holds);

    /// <summary>Ends a hold. For any thread.</summary>
    public void Release() => Interlocked.Decrement(ref _holds);

    /// <summary>Begins with a segment; false when another is under way: ask again.</summary>
    public bool Begin(int segmentId)
    {
        if (_scanner is not null)
        {
            return false;
        }

        if (_emptied.Contains(segmentId)
            || store.Log.Find(segmentId) is not { IsStuck: false } segment)
        {
            return true;
        }

        if (segmentId >= store.Log.ActiveId)
        {
            store.Log.Turn();
        }

        _victim = segmentId;
        _scanner = new SegmentScanner(segment, 0, segment.Length);
        _isBusy = true;
        return true;
    }

    /// <summary>Copies a little.</summary>
    /// <exception cref="IOException">
    /// The disk refuses: fail the batch and call <see cref="Abandon"/>.
    /// </exception>
    public void Step(WriteBatch batch)
    {
        long begin = batch.Bytes;
        long from = _scanner!.Position;
        for (int n = 0; n < StepEntriesMax && batch.Bytes - begin < StepBytesMax; n++)
        {
            if (!_scanner.TryNext(out ScannedEntry entry))
            {
                EndScan(_scanner);
                return;
            }

            if (entry.IsIntact)
            {
                Copy(batch, entry);
            }
        }

        long moved = Math.Max(batch.Bytes - begin, _scanner.Position - from);
        _dueAtMs = Environment.TickCount64 + (moved * 1000 / store.Options.CompactionBytesPerSecond);
    }

    /// <summary>
    /// After a commit: whether the last step was the segment's last, it waits for its deletion now.
    /// </summary>
    public void Committed()
    {
        if (_scanner is null && _victim != 0)
        {
            _emptied.Enqueue(_victim);
            _victim = 0;
        }
    }

    /// <summary>
    /// The batch failed: gives the present segment up, or begins with it once more when others were in the
    /// batch, whose fault that may be.
    /// </summary>
    public void Abandon(bool goesOn)
    {
        _scanner?.Dispose();
        _scanner = goesOn && store.Log.Find(_victim) is Segment segment
            ? new SegmentScanner(segment, 0, segment.Length)
            : null;
        _victim = _scanner is null ? 0 : _victim;
        _isBusy = _scanner is not null || _emptied.Count > 0;
    }

    /// <summary>Deletes emptied segments.</summary>
    /// <exception cref="IOException">The disk refuses: the segment is tried again.</exception>
    public void DeleteEmptied()
    {
        while (!IsHeld && _emptied.TryPeek(out int emptied))
        {
            if (store.Index.SegmentUses().GetValueOrDefault(emptied).LiveBytes == 0)
            {
                // What made the segment dead may be a removal or a note that nobody waited for. Were the
                // segment gone from the disk before they are on it, older versions would come back. And its
                // hint goes first: one without a segment tells of a loss.
                store.Log.Force();
                lock (store.HintGate)
                {
                    HintFile.Delete(store.HintsFolder, emptied);
                    store.Log.Delete(emptied);
                }

                store.Index.ForgetSegment(emptied);
            }
            else
            {
                // Something alive was not met: it is damaged. The scrub takes it out of service; until then
                // the segment is the proof that it was there.
                Keep(emptied);
            }

            // Last: what the disk refused is tried again.
            _emptied.Dequeue();
            _isBusy = _scanner is not null || _emptied.Count > 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _scanner?.Dispose();

    private void EndScan(SegmentScanner scanner)
    {
        if (scanner.HasUnreadable)
        {
            // A removal may lie there, and the disk may find it again.
            Keep(_victim);
            _victim = 0;
            _isBusy = _emptied.Count > 0;
        }

        scanner.Dispose();
        _scanner = null;
    }

    private void Keep(int segmentId)
    {
        if (store.Log.Find(segmentId) is Segment segment)
        {
            segment.IsStuck = true;
        }
    }

    private void Copy(WriteBatch batch, in ScannedEntry entry)
    {
        Key key = entry.Header.Key;
        switch (entry.Header.Kind)
        {
            case EntryKind.Record when batch.Current(key) is StoredRecord stored
                && stored.Place.IsSameSpot(entry.Place)
                && RecordCodec.TryDecode(entry.Body.ToArray(), out _) is Record record:
                batch.Copy(record, stored);
                break;
            case EntryKind.Removal when HidesSomething(RemovalCodec.Decode(entry.Body.Span)):
                CopyRemoval(batch, entry);
                break;
            case EntryKind.Note when NoteCodec.TryDecode(entry.Body.Span, out string name, out byte[] content)
                && batch.CurrentNote(name) is Note note
                && note.Place.IsSameSpot(entry.Place):
                batch.WriteNote(name, content);
                break;
        }
    }

    /// <summary>
    /// A removal hides older versions, and where a record was replaced by one of an older version also newer
    /// ones, as long as they may lie somewhere.
    /// </summary>
    private void CopyRemoval(WriteBatch batch, in ScannedEntry entry)
    {
        if (batch.Current(entry.Header.Key) is not StoredRecord stored)
        {
            batch.CopyRemoval(entry.Header, entry.Body.Span);
        }
        else if (stored.Version < entry.Header.Version)
        {
            EntryReading reading = store.Log.Read(
                stored.Place.Segment, stored.Place.Offset, out EntryHeader header, out byte[]? body);
            if (reading == EntryReading.Intact && header.Version == stored.Version
                && RecordCodec.TryDecode(body, out _) is Record record)
            {
                batch.CopyReplaced(entry.Header, RemovalCodec.Decode(entry.Body.Span), record, stored);
            }
            else
            {
                Keep(_victim);
            }
        }
    }

    private bool HidesSomething(int hidesUpTo) =>
        store.Log.Segments.Any(segment => segment.Id <= hidesUpTo && segment.Id != _victim);
}
