using Igor.Dht.Protocol.Index;

namespace Igor.Dht.Storage.State;

/// <summary>What a store found wrong: damaged records, and the last trouble in words. Thread-safe.</summary>
internal sealed class DamageLedger
{
    // Enough to refill what one bad spot of a disk takes; whoever comes later finds the rest by anti-entropy.
    private const int BacklogMax = 10_000;

    private readonly Lock _gate = new();
    private readonly List<Holding> _backlog = [];
    private Action<Holding>? _listener;
    private string? _diskTrouble;
    private string? _indexTrouble;
    private string? _damage;

    /// <summary>
    /// Number of damaged records, and of stretches in which nobody can tell what was there.
    /// </summary>
    public long DamagedRecords { get; private set; }

    /// <summary>What is wrong; null when all is well.</summary>
    public string? Trouble
    {
        get
        {
            lock (_gate)
            {
                return _diskTrouble ?? _indexTrouble ?? _damage;
            }
        }
    }

    /// <summary>Notes that writing fails, or with null, that it works again.</summary>
    public void SetDiskTrouble(string? text)
    {
        lock (_gate)
        {
            _diskTrouble = text;
        }
    }

    /// <summary>
    /// Notes that the disk has no room, unless a write said what is wrong: the file system may be read-only
    /// too, and then no room would help.
    /// </summary>
    public void AddFullDisk(string text)
    {
        lock (_gate)
        {
            _diskTrouble ??= text;
        }
    }

    /// <summary>Notes that the index fails, or with null, that it works again.</summary>
    public void SetIndexTrouble(string? text)
    {
        lock (_gate)
        {
            _indexTrouble = text;
        }
    }

    /// <summary>Notes a damaged record.</summary>
    public void AddRecord(Holding lost, int segment)
    {
        Action<Holding>? listener;
        lock (_gate)
        {
            Count(1, segment);
            listener = _listener;
            if (listener is null && _backlog.Count < BacklogMax)
            {
                _backlog.Add(lost);
            }
        }

        listener?.Invoke(lost);
    }

    /// <summary>Notes stretches of a segment whose records cannot be told any more.</summary>
    public void AddStretches(int count, int segment)
    {
        lock (_gate)
        {
            Count(count, segment);
        }
    }

    /// <summary>Tells the listener of every damaged record, those found so far included.</summary>
    public void ReportTo(Action<Holding> listener)
    {
        Holding[] backlog;
        lock (_gate)
        {
            _listener += listener;
            backlog = [.. _backlog];
            _backlog.Clear();
        }

        foreach (Holding lost in backlog)
        {
            listener(lost);
        }
    }

    private void Count(int count, int segment)
    {
        DamagedRecords += count;
        _damage = $"{DamagedRecords} damaged records were found on disk (the last one in segment {segment}) "
            + "and taken out of service; replicas refill them. Check the disk if there are more.";
    }
}
