using Igor.Dht.Outcomes;
using Igor.Dht.Records;
using Igor.Kbr;

namespace Igor.Dht.Storage;

/// <summary>
/// Keeps records in memory, with the semantics of the store on disk but durability: for
/// simulations and tests. Every callback comes before the call returns.
/// </summary>
public sealed class InMemoryRecordStore : IRecordStore
{
    private readonly Lock _gate = new();
    private readonly RecordStoreOptions _options;
    private readonly Dictionary<Key, Record> _records = [];
    private readonly SortedSet<Key> _keys = [];
    private readonly Dictionary<Key, long> _ownerBytes = [];
    private readonly Dictionary<string, byte[]> _notes = [];
    private readonly PriorityQueue<(Key Key, long ExpiresAt), long> _expiries = new();
    private long _liveBytes;

    /// <summary>Makes an empty store.</summary>
    /// <param name="options">The bounds and the clock; defaults when null.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public InMemoryRecordStore(RecordStoreOptions? options = null)
    {
        _options = options ?? new RecordStoreOptions();
        _options.Validate();
    }

    /// <inheritdoc/>
    public StoreStatus Status
    {
        get
        {
            lock (_gate)
            {
                Sweep();
                return new StoreStatus { Records = _records.Count, LiveBytes = _liveBytes };
            }
        }
    }

    /// <inheritdoc/>
    public void Write(Record record, Action<StoreOutcome> completed) =>
        Replace(record, RecordVersion.None, completed);

    /// <inheritdoc/>
    public void Replace(Record record, RecordVersion held, Action<StoreOutcome> completed)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(completed);
        StoreOutcome outcome;
        lock (_gate)
        {
            Sweep();
            outcome = Judge(record, held);
            if (outcome == StoreOutcome.Durable)
            {
                Forget(record.Header.Key);
                Keep(record);
            }
        }

        completed(outcome);
    }

    /// <inheritdoc/>
    public void Read(Key key, Action<Record?> completed)
    {
        ArgumentNullException.ThrowIfNull(completed);
        Record? record;
        lock (_gate)
        {
            Sweep();
            record = _records.GetValueOrDefault(key);
        }

        completed(record);
    }

    /// <inheritdoc/>
    public void Remove(Key key, RecordVersion version, Action<StoreOutcome> completed)
    {
        ArgumentNullException.ThrowIfNull(completed);
        var outcome = StoreOutcome.Durable;
        lock (_gate)
        {
            if (_records.TryGetValue(key, out Record? record) && record.Header.Version > version)
            {
                outcome = StoreOutcome.Superseded;
            }
            else
            {
                Forget(key);
            }
        }

        completed(outcome);
    }

    /// <inheritdoc/>
    public IEnumerable<RecordHeader> Headers(Arc arc)
    {
        lock (_gate)
        {
            Sweep();
            if (_keys.Count == 0)
            {
                return [];
            }

            bool wraps = arc.IsWhole || arc.End < arc.Start;
            return wraps
                ? [.. Between(arc.Start, Key.Max), .. Between(Key.Zero, arc.End).Where(h => h.Key < arc.End)]
                : [.. Between(arc.Start, arc.End).Where(header => header.Key < arc.End)];
        }
    }

    /// <inheritdoc/>
    public byte[]? ReadNote(string name)
    {
        lock (_gate)
        {
            return _notes.GetValueOrDefault(name)?.ToArray();
        }
    }

    /// <inheritdoc/>
    public void WriteNote(string name, byte[] content)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(content);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            content.Length, IRecordStore.NoteBytesMax, nameof(content));
        lock (_gate)
        {
            _notes[name] = [.. content];
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private IEnumerable<RecordHeader> Between(Key first, Key last) =>
        _keys.GetViewBetween(first, last).Select(key => _records[key].Header);

    private StoreOutcome Judge(Record record, RecordVersion replaced)
    {
        RecordHeader header = record.Header;
        Record? previous = _records.GetValueOrDefault(header.Key);
        if (previous is not null && previous.Header.Version >= header.Version
            && (previous.Header.Version == header.Version || previous.Header.Version != replaced))
        {
            return StoreOutcome.Superseded;
        }

        long growth = record.Encoded.Length - (previous?.Encoded.Length ?? 0);
        bool isOver = growth > 0 && _liveBytes + growth > _options.QuotaBytes;
        if (_options.OwnerQuotaBytes > 0 && header.Owner != Key.Zero)
        {
            long ownGrowth = previous?.Header.Owner == header.Owner ? growth : record.Encoded.Length;
            long owned = _ownerBytes.GetValueOrDefault(header.Owner);
            isOver |= ownGrowth > 0 && owned + ownGrowth > _options.OwnerQuotaBytes;
        }

        return isOver ? StoreOutcome.OverQuota : StoreOutcome.Durable;
    }

    private void Keep(Record record)
    {
        RecordHeader header = record.Header;
        _records[header.Key] = record;
        _keys.Add(header.Key);
        Count(record, +1);
        if (header.ExpiresAtUnixMs != 0)
        {
            _expiries.Enqueue((header.Key, header.ExpiresAtUnixMs), header.ExpiresAtUnixMs);
        }
    }

    private void Forget(Key key)
    {
        if (_records.Remove(key, out Record? record))
        {
            _keys.Remove(key);
            Count(record, -1);
        }
    }

    private void Count(Record record, int sign)
    {
        _liveBytes += sign * record.Encoded.Length;
        Key owner = record.Header.Owner;
        if (owner != Key.Zero)
        {
            _ownerBytes[owner] = _ownerBytes.GetValueOrDefault(owner) + (sign * record.Encoded.Length);
            if (_ownerBytes[owner] == 0)
            {
                _ownerBytes.Remove(owner);
            }
        }
    }

    /// <summary>Removes records some time after they expired.</summary>
    private void Sweep()
    {
        if (_expiries.Count == 0)
        {
            return;
        }

        NetworkTime now = _options.Time();
        if (!now.IsTrusted)
        {
            return; // a wrong clock forgets nothing
        }

        long before = now.UnixMs - (long)_options.ExpiredRetention.TotalMilliseconds;
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
