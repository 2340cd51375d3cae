using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Index;

/// <summary>
/// Keeps records in memory, with the semantics of the store on disk but durability: for
/// simulations and tests. Every callback comes before the call returns. For one thread at a time.
/// </summary>
/// <param name="time">
/// What time it is, by which records expire. Nothing is forgotten while that time is not to be trusted.
/// </param>
public sealed class InMemoryRecordStore(Func<NetworkTime> time) : IRecordStore
{
    private readonly Dictionary<Key, Record> _records = [];
    private readonly RecordTable _table = new();
    private readonly Dictionary<string, byte[]> _notes = [];
    private readonly PriorityQueue<(Key Key, long ExpiresAt), long> _expiries = new();

    /// <summary>Bytes that all records may take together; no bound by default.</summary>
    public long QuotaBytes { get; init; } = long.MaxValue;

    /// <summary>Bytes that the records of one owner may take; no bound by default.</summary>
    public long OwnerQuotaBytes { get; init; } = long.MaxValue;

    /// <summary>
    /// How long a record stays readable after it expired; 7 days by default, as long as a tombstone.
    /// </summary>
    public TimeSpan ExpiredRetention { get; init; } = ValueRecordType.TombstoneLife;

    /// <inheritdoc/>
    public StoreStatus Status
    {
        get
        {
            Sweep();
            return new StoreStatus { Records = _records.Count, LiveBytes = _table.Bytes };
        }
    }

    /// <inheritdoc/>
    public IRecordIndex Index => _table;

    /// <inheritdoc/>
    public void Write(Record record, Action<StoreOutcome> completed) =>
        Replace(record, RecordVersion.None, completed);

    /// <inheritdoc/>
    public void Replace(Record record, RecordVersion held, Action<StoreOutcome> completed)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(completed);
        Sweep();
        StoreOutcome outcome = Judge(record, held);
        if (outcome == StoreOutcome.Durable)
        {
            Forget(record.Header.Key);
            Keep(record);
        }

        completed(outcome);
    }

    /// <inheritdoc/>
    public void Read(Key key, Action<Record?> completed)
    {
        ArgumentNullException.ThrowIfNull(completed);
        Sweep();
        completed(_records.GetValueOrDefault(key));
    }

    /// <inheritdoc/>
    public void Remove(Key key, RecordVersion version, Action<StoreOutcome> completed)
    {
        ArgumentNullException.ThrowIfNull(completed);
        var outcome = StoreOutcome.Durable;
        if (_records.TryGetValue(key, out Record? record) && record.Header.Version > version)
        {
            outcome = StoreOutcome.Superseded;
        }
        else
        {
            Forget(key);
        }

        completed(outcome);
    }

    /// <inheritdoc/>
    public IEnumerable<RecordHeader> Headers(Arc arc)
    {
        Sweep();
        return KeySpan.Of(arc)
            .SelectMany(_table.SlotsIn)
            .Select(slot => _records[slot.Key].Header)
            .ToList();
    }

    /// <inheritdoc/>
    public byte[]? ReadNote(string name) => _notes.GetValueOrDefault(name)?.ToArray();

    /// <inheritdoc/>
    public void WriteNote(string name, byte[] content)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(content);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            content.Length, IRecordStore.NoteBytesMax, nameof(content));
        _notes[name] = [.. content];
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private StoreOutcome Judge(Record record, RecordVersion replaced)
    {
        RecordHeader header = record.Header;
        Record? previous = _records.GetValueOrDefault(header.Key);
        if (previous is not null && previous.Header.Version >= header.Version
            && previous.Header.Version != replaced)
        {
            return StoreOutcome.Superseded;
        }

        long growth = record.Encoded.Length - (previous?.Encoded.Length ?? 0);
        bool isOver = growth > 0 && _table.Bytes + growth > QuotaBytes;
        if (header.Owner != Key.Zero)
        {
            long ownGrowth = previous?.Header.Owner == header.Owner ? growth : record.Encoded.Length;
            long owned = _table.Owners.BytesOf(header.Owner);
            isOver |= ownGrowth > 0 && owned + ownGrowth > OwnerQuotaBytes;
        }

        return isOver ? StoreOutcome.OverQuota : StoreOutcome.Durable;
    }

    private void Keep(Record record)
    {
        RecordHeader header = record.Header;
        _records[header.Key] = record;
        _table.Put(_table.SlotOf(header, record.Encoded.Length, record.Digest));
        if (header.ExpiresAtUnixMs != 0)
        {
            _expiries.Enqueue((header.Key, header.ExpiresAtUnixMs), header.ExpiresAtUnixMs);
        }
    }

    private void Forget(Key key)
    {
        _records.Remove(key);
        _table.Remove(key);
    }

    /// <summary>Removes records some time after they expired.</summary>
    private void Sweep()
    {
        if (_expiries.Count == 0)
        {
            return;
        }

        NetworkTime now = time();
        if (!now.IsTrusted)
        {
            return; // a wrong clock forgets nothing
        }

        long before = now.UnixMs - (long)ExpiredRetention.TotalMilliseconds;
        while (_expiries.TryPeek(out (Key Key, long ExpiresAt) due, out long expiresAt) && expiresAt < before)
        {
            _expiries.Dequeue();
            if (_records.TryGetValue(due.Key, out Record? record)
                && record.Header.ExpiresAtUnixMs == due.ExpiresAt)
            {
                Forget(due.Key);
            }
        }
    }
}
