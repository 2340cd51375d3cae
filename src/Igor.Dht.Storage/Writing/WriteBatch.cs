using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;
using Igor.Kbr;

// What one fsync covers. Commands are judged against what is stored and what came before them in the batch,
// their entries are staged, and only when all is on disk are the changes published and the callers told. If
// the disk refuses, nothing of the batch happened and all who depended on it are told so. While a batch is
// being synced the next one is judged and staged on top of it; when the first fails, so does the second.

namespace Igor.Dht.Storage.Writing;

/// <summary>
/// Judges, stages and commits a batch of commands. Reused from batch to batch by one thread.
/// </summary>
internal sealed class WriteBatch(StoreContext store)
{
    private readonly List<Effect> _effects = [];
    private readonly List<Note> _notes = [];
    private readonly List<Record> _records = [];
    private readonly List<(Holding Lost, int Segment)> _lost = [];
    private readonly Dictionary<Key, StoredRecord?> _staged = [];
    private readonly Dictionary<Key, long> _ownerBytes = [];
    private readonly List<(Action<StoreOutcome> Completed, StoreOutcome Outcome, bool DependsOnBatch)>
        _outcomes = [];
    private long _liveBytes;
    private int _newRecords;
    private ulong _noteSequence;
    private LogPosition _end;

    /// <summary>The batch that is being synced while this one is staged; null for none.</summary>
    public WriteBatch? Before { get; set; }

    /// <summary>Whether there is something that has to be on disk before anybody is told.</summary>
    public bool MustSync { get; private set; }

    /// <summary>Bytes staged.</summary>
    public long Bytes { get; private set; }

    /// <summary>Takes a command that changes records or notes.</summary>
    /// <exception cref="IOException">The disk refuses: call <see cref="Fail"/>.</exception>
    public void Take(in StoreCommand command)
    {
        switch (command.Kind)
        {
            case StoreCommandKind.Write:
                Write(command.Record!, command.Version, command.Completed!);
                break;
            case StoreCommandKind.Remove:
                Remove(command.Key, command.Version, command.Completed);
                break;
            case StoreCommandKind.Quarantine:
                Quarantine(command.Key, command.Version, command.Place, command.Completed);
                break;
            case StoreCommandKind.Lost:
                RecordLoss(command.Key, command.Version, command.Completed!);
                break;
            case StoreCommandKind.Note:
                WriteNote(command.Name!, command.Content!);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(command), command.Kind, "not a change");
        }
    }

    /// <summary>What is stored of a key once this batch is committed.</summary>
    public StoredRecord? Current(Key key) => _staged.TryGetValue(key, out StoredRecord? staged)
        || Before?._staged.TryGetValue(key, out staged) == true ? staged : store.Index.Find(key);

    /// <summary>The note of a name once this batch is committed.</summary>
    public Note? CurrentNote(string name) =>
        _notes.FindLast(note => note.Name == name)
            ?? Before?._notes.FindLast(note => note.Name == name)
            ?? store.Index.FindNote(name);

    /// <summary>Writes a record that is stored to the end of the log.</summary>
    public void Copy(Record record, StoredRecord from)
    {
        Place place = Stage(record);
        _effects.Add(new Effect(record.Header.Key, record.Header, place, from, null, record.Digest));
        _staged[record.Header.Key] = new StoredRecord(record.Header.Version, place, record.Header.Owner);
    }

    /// <summary>Writes a removal that still hides something to the end of the log.</summary>
    public void CopyRemoval(in EntryHeader header, ReadOnlySpan<byte> body)
    {
        Place place = store.Log.Stage(EntryKind.Removal, EntryFlags.None, header.Key, header.Version, body);
        Bytes += place.EntryBytes;
        MustSync = true;
        _effects.Add(new Effect(header.Key, null, default, null, place));
    }

    /// <summary>
    /// Writes the removal of a newer version and the record that replaced it to the end of the log. The
    /// removal hides nothing of the record's own segment or later: a torn end may leave it alone.
    /// </summary>
    public void CopyReplaced(in EntryHeader header, int hidesUpTo, Record record, StoredRecord from)
    {
        Span<byte> body = stackalloc byte[RemovalCodec.Bytes];
        RemovalCodec.Encode(body, Math.Min(hidesUpTo, from.Place.Segment - 1));
        CopyRemoval(header, body);
        Copy(record, from);
    }

    /// <summary>Writes a note to the end of the log.</summary>
    public void WriteNote(string name, byte[] content)
    {
        // The time tells notes of several runs apart, the count those of one; and clocks are set back.
        ulong known = CurrentNote(name)?.Sequence ?? 0;
        ulong time = (ulong)Math.Max(0, store.Now.UnixMs) << 16;
        _noteSequence = Math.Max(Math.Max(_noteSequence, known) + 1, time);
        byte[] body = NoteCodec.Encode(name, content);
        var version = new RecordVersion(_noteSequence, 0);
        Place place = store.Log.Stage(EntryKind.Note, EntryFlags.None, Key.HashOf(name), version, body);
        Bytes += place.EntryBytes;
        _notes.Add(new Note(name, content, _noteSequence, place));
    }

    /// <summary>Brings the batch to disk, publishes it, and tells the callers.</summary>
    /// <exception cref="IOException">The disk refuses: call <see cref="Fail"/>.</exception>
    public void Commit()
    {
        if (_effects.Count > 0 || _notes.Count > 0)
        {
            store.Log.Commit(isDurable: MustSync);
            _end = store.Log.End;
        }

        Finish();
    }

    /// <summary>Begins to bring the batch to disk; once it is there, call <see cref="Finish"/>.</summary>
    /// <param name="whenSynced">Called on another thread when it is there, or will not be.</param>
    /// <exception cref="IOException">The disk refuses: call <see cref="Fail"/>.</exception>
    public void BeginCommit(Action whenSynced)
    {
        _end = store.Log.BeginCommit(whenSynced);
        Before = null;
    }

    /// <summary>The batch is on disk: publishes it, and tells the callers.</summary>
    public void Finish()
    {
        if (_effects.Count > 0 || _notes.Count > 0)
        {
            store.Index.Publish(_effects, _notes, _end);
            _lost.ForEach(lost => store.Ledger.AddRecord(lost.Lost, lost.Segment));
            _notes.ForEach(store.ReleaseNote);
            RefreshCache();
            if (_records.Count > 0)
            {
                store.Ledger.SetDiskTrouble(null);
            }
        }

        Tell(failure: null);
    }

    /// <summary>Drops the batch, and tells the callers.</summary>
    /// <param name="outcome">What became of what depended on the batch: failed or busy.</param>
    public void Fail(StoreOutcome outcome = StoreOutcome.Failed)
    {
        store.Log.Rollback();
        Tell(outcome);
    }

    private void Write(Record record, RecordVersion replaced, Action<StoreOutcome> completed)
    {
        RecordHeader header = record.Header;
        StoredRecord? previous = Current(header.Key);
        bool replaces = previous?.Version >= header.Version && previous?.Version == replaced;
        if (previous is StoredRecord stored && stored.Version >= header.Version && !replaces)
        {
            Answer(completed, StoreOutcome.Superseded, IsStaged(header.Key));
            return;
        }

        long growth = record.Encoded.Length - (previous?.Place.BodyLength ?? 0);
        if (IsOverQuota(header, growth, previous))
        {
            Answer(completed, StoreOutcome.OverQuota, _effects.Count > 0 || Before?._effects.Count > 0);
            return;
        }

        // The caller is noted first: should staging throw, it is told with the rest.
        Answer(completed, StoreOutcome.Durable, dependsOnBatch: true);
        if (replaces)
        {
            // Who reads the log from its start takes the newer version, unless it was removed before.
            store.Log.MakeRoom(
                SegmentCodec.EntryBytes(RemovalCodec.Bytes) + SegmentCodec.EntryBytes(record.Encoded.Length));
            Forget(header.Key, replaced, previous!.Value);
            previous = null;
            growth = record.Encoded.Length;
        }

        Place place = Stage(record);
        _effects.Add(new Effect(header.Key, header, place, previous, null, record.Digest));
        _staged[header.Key] = new StoredRecord(header.Version, place, header.Owner);
        _records.Add(record);
        _newRecords += previous is null ? 1 : 0;
        _liveBytes += growth;
        Charge(header.Owner, record.Encoded.Length);
        Charge(previous?.Owner ?? Key.Zero, -(previous?.Place.BodyLength ?? 0));
    }

    private void Remove(Key key, RecordVersion version, Action<StoreOutcome>? completed)
    {
        StoredRecord? previous = Current(key);
        if (previous is not StoredRecord stored)
        {
            Answer(completed, StoreOutcome.Durable, IsStaged(key));
        }
        else if (stored.Version > version)
        {
            Answer(completed, StoreOutcome.Superseded, IsStaged(key));
        }
        else
        {
            Answer(completed, StoreOutcome.Durable, dependsOnBatch: true);
            Forget(key, version, stored);
        }
    }

    private void Quarantine(
        Key key, RecordVersion version, Place place, Action<StoreOutcome>? completed)
    {
        Answer(completed, StoreOutcome.Durable, dependsOnBatch: true);
        if (Current(key) is StoredRecord stored && stored.Place.IsSameSpot(place)
            && store.Index.TryGet(key, out Holding lost))
        {
            _lost.Add((lost, place.Segment));
            Forget(key, version, stored);
        }
    }

    /// <summary>
    /// What is lost is not followed by anything older, after a start either; but by what came since.
    /// </summary>
    private void RecordLoss(Key key, RecordVersion version, Action<StoreOutcome> completed)
    {
        Answer(completed, StoreOutcome.Durable, dependsOnBatch: true);
        if (Current(key) is null)
        {
            _effects.Add(new Effect(key, null, default, null, StageRemoval(key, version)));
        }
    }

    private void Forget(Key key, RecordVersion version, StoredRecord stored)
    {
        _effects.Add(new Effect(key, null, default, stored, StageRemoval(key, version)));
        _staged[key] = null;
        _newRecords--;
        _liveBytes -= stored.Place.BodyLength;
        Charge(stored.Owner, -stored.Place.BodyLength);
    }

    private Place StageRemoval(Key key, RecordVersion version)
    {
        Span<byte> body = stackalloc byte[RemovalCodec.Bytes];
        RemovalCodec.Encode(body, store.Log.ActiveId);
        Place place = store.Log.Stage(EntryKind.Removal, EntryFlags.None, key, version, body);
        Bytes += place.EntryBytes;
        return place;
    }

    private bool IsOverQuota(RecordHeader header, long growth, StoredRecord? previous)
    {
        RecordStoreOptions options = store.Options;
        long liveBytes = _liveBytes + (Before?._liveBytes ?? 0);
        if (growth > 0 && store.Index.LiveBytes + liveBytes + growth > options.QuotaBytes)
        {
            return true;
        }

        if (IsOverMemory(header, isNew: previous is null))
        {
            return true;
        }

        if (options.OwnerQuotaBytes == 0 || header.Owner == Key.Zero)
        {
            return false;
        }

        long ownGrowth = previous?.Owner == header.Owner
            ? growth
            : growth + (previous?.Place.BodyLength ?? 0);
        long owned = store.Index.BytesOf(header.Owner) + _ownerBytes.GetValueOrDefault(header.Owner)
            + (Before?._ownerBytes.GetValueOrDefault(header.Owner) ?? 0);
        return ownGrowth > 0 && owned + ownGrowth > options.OwnerQuotaBytes;
    }

    /// <summary>The index of all keys is in memory, so keys have a bound of their own.</summary>
    private bool IsOverMemory(RecordHeader header, bool isNew)
    {
        long grown = (_newRecords + (Before?._newRecords ?? 0) + 1L) * RecordTable.BytesPerRecord;
        bool isOver = isNew
            && (store.Index.MemoryBytes + grown > store.IndexBytesMax || store.Index.IsFullFor(header.Type));
        if (isNew)
        {
            store.Ledger.SetIndexTrouble(isOver
                ? $"The index of {store.Index.Count:N0} records takes the {store.IndexBytesMax >> 20} MiB of "
                    + "memory that it may (IndexBytes): no more keys are taken."
                : null);
        }

        return isOver;
    }

    /// <summary>Whether what is said of a key depends on something that is not on disk yet.</summary>
    private bool IsStaged(Key key) =>
        _staged.ContainsKey(key) || Before?._staged.ContainsKey(key) == true;

    private Place Stage(Record record)
    {
        RecordHeader header = record.Header;
        EntryFlags flags = (header.Owner != Key.Zero ? EntryFlags.HasOwner : EntryFlags.None)
            | (header.IsTombstone ? EntryFlags.IsTombstone : EntryFlags.None);
        Place place = store.Log.Stage(
            EntryKind.Record, flags, header.Key, header.Version, record.Encoded.Span);
        Bytes += place.EntryBytes;
        MustSync = true;
        return place;
    }

    private void Charge(Key owner, long bytes)
    {
        if (owner != Key.Zero)
        {
            _ownerBytes[owner] = _ownerBytes.GetValueOrDefault(owner) + bytes;
        }
    }

    private void Answer(Action<StoreOutcome>? completed, StoreOutcome outcome, bool dependsOnBatch)
    {
        if (completed is not null)
        {
            _outcomes.Add((completed, outcome, dependsOnBatch));
        }
    }

    private void RefreshCache()
    {
        foreach (Effect effect in _effects)
        {
            if (effect.Header is null)
            {
                store.Cache.Remove(effect.Key);
            }
        }

        foreach (Record record in _records)
        {
            // A later command of the batch may have replaced or removed it.
            if (_staged[record.Header.Key] is StoredRecord last && last.Version == record.Header.Version)
            {
                store.Cache.Put(record);
            }
        }
    }

    private void Tell(StoreOutcome? failure)
    {
        foreach ((Action<StoreOutcome> completed, StoreOutcome outcome, bool dependsOnBatch) in _outcomes)
        {
            completed(dependsOnBatch && failure is { } other ? other : outcome);
        }

        _outcomes.Clear();
        _effects.Clear();
        _notes.Clear();
        _records.Clear();
        _lost.Clear();
        _staged.Clear();
        _ownerBytes.Clear();
        _liveBytes = 0;
        _newRecords = 0;
        MustSync = false;
        Bytes = 0;
    }
}
