using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;
using Igor.Kbr;

// Frees the space of segments that are mostly dead: what is alive is copied to the end of the log in small
// steps between batches, and the segment is deleted once the index names the copies. A removal is copied as
// long as a segment is left in which something that it hides may lie.

namespace Igor.Dht.Storage.Writing;

/// <summary>Compacts one segment after the other. Belongs to the writer's thread.</summary>
internal sealed class Compactor(StoreContext store) : IDisposable
{
    private const int StepBytesMax = 256 * 1024;
    private const int StepEntriesMax = 2000;

    private readonly Queue<(int Segment, LogPosition CopiedTo)> _emptied = new();
    private SegmentScanner? _scanner;
    private int _victim;
    private int _holds;
    private volatile bool _isBusy;

    /// <summary>Whether there is something to copy.</summary>
    public bool IsCopying => _scanner is not null;

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

        if (_emptied.Any(e => e.Segment == segmentId)
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
        for (int n = 0; n < StepEntriesMax && batch.Bytes - begin < StepBytesMax; n++)
        {
            if (!_scanner!.TryNext(out ScannedEntry entry))
            {
                EndScan(_scanner);
                return;
            }

            if (entry.IsIntact)
            {
                Copy(batch, entry);
            }
        }
    }

    /// <summary>
    /// After a commit: whether the last step was the segment's last, it waits for its deletion now.
    /// </summary>
    public void Committed()
    {
        if (_scanner is null && _victim != 0)
        {
            // Not the end of the log: a write that failed may have begun a segment with nothing in it.
            _emptied.Enqueue((_victim, store.Catalog.PublishedTo));
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

    /// <summary>Deletes emptied segments whose copies the index names.</summary>
    public void DeleteEmptied()
    {
        while (!IsHeld
            && _emptied.TryPeek(out (int Segment, LogPosition CopiedTo) emptied)
            && store.Catalog.IndexedTo is LogPosition indexed
            && indexed.CompareTo(emptied.CopiedTo) >= 0)
        {
            bool isEmpty = !store.Catalog.SegmentUses()
                .Any(s => s.Key == emptied.Segment && s.Value.LiveBytes > 0);
            if (isEmpty)
            {
                // What made the segment dead may be a removal or a note that nobody waited for. Were the
                // segment gone from the disk before they are on it, older versions would come back.
                store.Log.Force();
                if (store.Catalog.Index.IsHolding)
                {
                    // The index on the disk still names records in it.
                    store.Marker.Withdraw();
                }

                store.Log.Delete(emptied.Segment);
                store.Catalog.ForgetSegment(emptied.Segment);
            }
            else
            {
                // Something alive was not met: it is damaged. The scrub takes it out of service; until then
                // the segment is the proof that it was there.
                Keep(emptied.Segment);
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
