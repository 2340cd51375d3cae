using System.Collections.Concurrent;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

// The segments of a store, of which the last is appended to. Entries are staged in memory and committed
// together: one write, one fsync, during which the next ones may be staged. When either fails, what was
// staged is cut off again, and a segment whose fsync failed is not appended to any more: the kernel may have
// dropped its pages and still call the next fsync a success.

namespace Igor.Dht.Storage.Segments;

/// <summary>The append-only log of a store. Appending is for one thread, reading for any.</summary>
internal sealed class SegmentLog : IDisposable
{
    private const int ReadAttempts = 2;
    private const int StagingBytesFirst = 64 * 1024;
    private const int StagingBytesKept = 256 * 1024;

    private readonly string _folder;
    private readonly int _segmentBytesMax;
    private readonly ConcurrentDictionary<int, Segment> _segments = new();
    private byte[] _staging = LargeBuffers.Rent(StagingBytesFirst);
    private int _staged;
    private Segment? _active;
    private long _durableLength;
    private int _newestId;
    private bool _isTouched;
    private BackgroundSync? _sync;
    private bool _isSyncing;
    private IOException? _syncFailure;

    private SegmentLog(string folder, int segmentBytesMax)
    {
        _folder = folder;
        _segmentBytesMax = segmentBytesMax;
    }

    /// <summary>All segments, in the order of their ids.</summary>
    public IReadOnlyList<Segment> Segments => [.. _segments.Values.OrderBy(segment => segment.Id)];

    /// <summary>The segment that is appended to, or the next one.</summary>
    public int ActiveId => _active?.Id ?? _newestId + 1;

    /// <summary>
    /// Where the next committed entry will lie at the earliest: everything before is on disk.
    /// </summary>
    public LogPosition End => _active is null
        ? new LogPosition(_newestId + 1, 0)
        : new LogPosition(_active.Id, _durableLength);

    /// <summary>Whether a sync was begun and is under way. For any thread.</summary>
    public bool IsSyncing => _sync is { IsBusy: true };

    /// <summary>Number of commits that were synced.</summary>
    public long Syncs { get; private set; }

    /// <summary>Bytes of all segments.</summary>
    public long DiskBytes => _segments.Values.Sum(segment => segment.Length);

    /// <summary>Opens the segments of a folder, which is made if it is not there.</summary>
    public static SegmentLog Open(string folder, int segmentBytesMax)
    {
        OwnFiles.MakeFolder(folder);
        var log = new SegmentLog(folder, segmentBytesMax);
        try
        {
            foreach (int id in Segment.IdsIn(folder))
            {
                log._segments[id] = Segment.Open(folder, id);
                log._newestId = id;
            }
        }
        catch
        {
            log.Dispose();
            throw;
        }

        return log;
    }

    /// <summary>Begins no segment of that number, of which a hint is left that tells what is lost.</summary>
    public void PassOver(int id) => _newestId = Math.Max(_newestId, id);

    /// <summary>Finds a segment; null when it was deleted.</summary>
    public Segment? Find(int id) => _segments.GetValueOrDefault(id);

    /// <summary>
    /// Goes on with a segment whose entries are all intact up to the offset; the caller syncs it.
    /// </summary>
    public void Resume(Segment segment, long offset)
    {
        if (segment.Length != offset)
        {
            segment.Truncate(offset);
        }

        _active = segment;
        _durableLength = offset;
    }

    /// <summary>Appends to a segment begun anew from now on; the present one stays without a seal.</summary>
    public void Retire() => _active = null;

    /// <summary>
    /// Makes room in one segment for entries that must not be parted by a seal, which commits what is before
    /// it. When it throws, roll back.
    /// </summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public void MakeRoom(int bytes) => ActiveFor(bytes);

    /// <summary>Adds an entry to those that the next commit writes. When it throws, roll back.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public Place Stage(
        EntryKind kind, EntryFlags flags, Key key, RecordVersion version, ReadOnlySpan<byte> body)
    {
        int length = SegmentCodec.EntryBytes(body.Length);
        Segment active = ActiveFor(length);
        var place = new Place(active.Id, active.Length + _staged, body.Length);
        SegmentCodec.WriteEntry(Reserve(length), place, kind, flags, key, version, body);
        return place;
    }

    /// <summary>
    /// Writes what is staged and, if asked to, waits until it is on disk. When it throws, roll back.
    /// </summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public void Commit(bool isDurable)
    {
        if (_active is null)
        {
            return;
        }

        WriteStaged(_active);
        if (isDurable)
        {
            Syncs++;
            Sync(_active);
        }

        MarkCommitted(_active);
    }

    /// <summary>
    /// Writes what is staged and begins to bring it to disk; none is under way. What is staged from now on is
    /// for the next commit. When it throws, roll back.
    /// </summary>
    /// <param name="whenSynced">Called on another thread when it is done, however it ended.</param>
    /// <returns>Where the next entry will lie at the earliest.</returns>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public LogPosition BeginCommit(Action whenSynced)
    {
        Segment active = _active!;
        WriteStaged(active);
        Syncs++;
        _sync ??= new BackgroundSync();
        _isSyncing = true;
        _sync.Begin(active, whenSynced);
        return new LogPosition(active.Id, active.Length);
    }

    /// <summary>
    /// Waits until what the last commit began is on disk, if that is not known yet. When it is not, that and
    /// what was staged since is gone, and this says so until the rollback.
    /// </summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public void AwaitSync()
    {
        if (_isSyncing)
        {
            _isSyncing = false;
            try
            {
                _sync!.Wait();
                MarkCommitted(_active!);
            }
            catch (IOException e)
            {
                Rollback();
                Retire();
                _syncFailure = e;
            }
        }

        if (_syncFailure is { } failure)
        {
            throw new IOException(failure.Message, failure.HResult);
        }
    }

    /// <summary>
    /// Brings all that was committed to disk, in every segment: removals and notes were not waited for.
    /// </summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public void Force()
    {
        AwaitSync();
        foreach (Segment segment in Segments.Where(segment => segment.SyncedLength < segment.Length))
        {
            segment.Sync();
        }
    }

    /// <summary>Drops what was staged or written since the last commit.</summary>
    public void Rollback()
    {
        _staged = 0;
        _syncFailure = null;
        if (_active is null || !_isTouched)
        {
            return;
        }

        try
        {
            // Also what a write left behind that failed half-way, beyond the length that the segment knows
            // of.
            _active.Truncate(_durableLength);
            _isTouched = false;
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e))
        {
            // What could not be cut off is skipped by every scan, or was never acknowledged; new entries must
            // not follow it.
            Retire();
        }
    }

    /// <summary>Ends the active segment with a seal, so that the next entry begins a new one.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public void Seal()
    {
        if (_active is null)
        {
            return;
        }

        AwaitSync();
        var place = new Place(_active.Id, _active.Length + _staged, 0);
        SegmentCodec.WriteEntry(
            Reserve(place.EntryBytes),
            place,
            EntryKind.Seal,
            EntryFlags.None,
            Key.Zero,
            RecordVersion.None,
            []);
        WriteStaged(_active);
        Sync(_active);
        MarkCommitted(_active);
        Retire();
    }

    /// <summary>Ends the active segment and begins the next one.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public void Turn()
    {
        Seal();
        ActiveFor(0);
    }

    /// <summary>
    /// Deletes a segment; when this returns that is on disk. Reads that are under way find it gone and look
    /// again.
    /// </summary>
    /// <exception cref="IOException">
    /// The disk refuses; the segment is still there, and listed, for what lies in it may need to be hidden.
    /// </exception>
    public void Delete(int id)
    {
        Find(id)?.Delete();
        _segments.TryRemove(id, out _);
        DiskSync.Folder(_folder);
    }

    /// <summary>Reads the entry at a place.</summary>
    /// <param name="segmentId">Its segment.</param>
    /// <param name="offset">Its offset there.</param>
    /// <param name="header">Its header, when that is intact.</param>
    /// <param name="body">
    /// Its body, a new array, when the entry is intact.
    /// </param>
    public EntryReading Read(int segmentId, long offset, out EntryHeader header, out byte[]? body)
    {
        body = null;
        header = default;
        Segment? segment = Find(segmentId);
        if (segment is null)
        {
            return EntryReading.Gone;
        }

        for (int attempt = 1; ; attempt++)
        {
            try
            {
                EntryReading reading = EntryReader.Read(segment, offset, out header, out body);
                if (reading == EntryReading.Intact || attempt == ReadAttempts)
                {
                    return reading;
                }
            }
            catch (ObjectDisposedException)
            {
                return EntryReading.Gone;
            }
            catch (IOException) when (attempt < ReadAttempts)
            {
                // A disk may fail once, in a reset of its bus, and read the same sector the next time.
            }
            catch (IOException)
            {
                return EntryReading.Damaged;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sync?.Dispose();
        foreach (Segment segment in _segments.Values)
        {
            segment.Dispose();
        }
    }

    private Segment ActiveFor(int length)
    {
        if (_active is not null
            && _active.Length + _staged + length > _segmentBytesMax
            && _active.Length + _staged > SegmentCodec.FileHeaderBytes)
        {
            Seal();
        }

        if (_active is null)
        {
            _active = Segment.Create(_folder, _newestId + 1);
            _newestId = _active.Id;
            _segments[_active.Id] = _active;
            MarkCommitted(_active);
        }

        return _active;
    }

    private void MarkCommitted(Segment active)
    {
        _durableLength = active.Length;
        _isTouched = false;
    }

    private Span<byte> Reserve(int length)
    {
        if (_staged + length > _staging.Length)
        {
            byte[] larger = LargeBuffers.Rent(Math.Max(_staging.Length * 2, _staged + length));
            _staging.AsSpan(0, _staged).CopyTo(larger);
            LargeBuffers.Return(_staging);
            _staging = larger;
        }

        _staged += length;
        return _staging.AsSpan(_staged - length, length);
    }

    private void WriteStaged(Segment active)
    {
        if (_staged > 0)
        {
            _isTouched = true;
            active.Append(_staging.AsSpan(0, _staged));
        }

        bool isMuch = _staged > StagingBytesKept / 4;
        _staged = 0;
        if (_staging.Length > StagingBytesKept && !isMuch)
        {
            LargeBuffers.Return(_staging);
            _staging = LargeBuffers.Rent(StagingBytesFirst);
        }
    }

    private void Sync(Segment active)
    {
        try
        {
            active.Sync();
        }
        catch (IOException)
        {
            Rollback();
            Retire();
            throw;
        }
    }
}
