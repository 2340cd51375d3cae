namespace Igor.Dht.Protocol.Records;

/// <summary>
/// A voter's log in memory, for simulations and tests: entries are durable only when a sync that covers them
/// has ended. Opening it again is the crash of whoever had it before.
/// </summary>
public sealed class InMemoryVoterLog : IVoterLog
{
    private readonly VoterDisk _disk;
    private readonly Action<Action> _later;
    private readonly int _life;
    private List<Action<bool>> _waiting = [];
    private bool _isSyncing;

    /// <summary>Opens the log on a disk.</summary>
    /// <param name="disk">What is kept.</param>
    /// <param name="later">Runs something when a sync has taken its time.</param>
    public InMemoryVoterLog(VoterDisk disk, Action<Action> later)
    {
        ArgumentNullException.ThrowIfNull(disk);
        _disk = disk;
        _later = later;
        _life = disk.Begin();
    }

    /// <inheritdoc/>
    public ulong Incarnation => _disk.Incarnation;

    /// <inheritdoc/>
    public string? Trouble => null;

    /// <summary>
    /// Whether a sync says that it ended at once, and keeps nothing: a fault that is planted.
    /// </summary>
    public bool SkipsSync { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<ReadOnlyMemory<byte>> TakeKept() => [.. _disk.Durable];

    /// <inheritdoc/>
    public void Append(ReadOnlyMemory<byte> entry) => _disk.Write([entry], isWhole: false);

    /// <inheritdoc/>
    public void Rewrite(IReadOnlyList<ReadOnlyMemory<byte>> entries) => _disk.Write(entries, isWhole: true);

    /// <inheritdoc/>
    public void Sync(Action<bool> completed)
    {
        if (SkipsSync)
        {
            completed(true);
            return;
        }

        _waiting.Add(completed);
        if (!_isSyncing)
        {
            Begin();
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void Begin()
    {
        _isSyncing = true;
        List<Action<bool>> covered = _waiting;
        _waiting = [];
        int writes = _disk.Unsynced;
        _later(() =>
        {
            if (_life == _disk.Lives)
            {
                _isSyncing = false;
                _disk.Sync(writes);
                covered.ForEach(static completed => completed(true));
                if (_waiting.Count > 0 && !_isSyncing)
                {
                    Begin();
                }
            }
        });
    }
}

/// <summary>What a voter's log in memory keeps when its process ends.</summary>
/// <param name="incarnation">Of the first log on it.</param>
public sealed class VoterDisk(ulong incarnation)
{
    private readonly List<ReadOnlyMemory<byte>> _durable = [];
    private readonly List<(IReadOnlyList<ReadOnlyMemory<byte>> Entries, bool IsWhole)> _unsynced = [];

    /// <summary>Which store it is.</summary>
    public ulong Incarnation { get; private set; } = incarnation;

    /// <summary>What would survive a crash now.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Durable => _durable;

    /// <summary>Writes that are not durable yet.</summary>
    public int Unsynced => _unsynced.Count;

    internal int Lives { get; private set; }

    /// <summary>
    /// The power fails: of what was not synced the first so many writes are kept all the same.
    /// </summary>
    public void Crash(int kept)
    {
        Sync(Math.Min(kept, _unsynced.Count));
        _unsynced.Clear();
        Lives++;
    }

    /// <summary>Everything is lost: what is there from now on is another store.</summary>
    public void Lose(ulong incarnation)
    {
        Crash(0);
        _durable.Clear();
        Incarnation = incarnation;
    }

    internal int Begin()
    {
        Crash(0);
        return Lives;
    }

    internal void Write(IReadOnlyList<ReadOnlyMemory<byte>> entries, bool isWhole) =>
        _unsynced.Add(([.. entries.Select(static entry => (ReadOnlyMemory<byte>)entry.ToArray())], isWhole));

    internal void Sync(int writes)
    {
        foreach ((IReadOnlyList<ReadOnlyMemory<byte>> entries, bool isWhole) in _unsynced.Take(writes))
        {
            if (isWhole)
            {
                _durable.Clear();
            }

            _durable.AddRange(entries);
        }

        _unsynced.RemoveRange(0, writes);
    }
}
