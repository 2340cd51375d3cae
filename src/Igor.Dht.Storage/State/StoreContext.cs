using System.Collections.Concurrent;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

namespace Igor.Dht.Storage.State;

/// <summary>What the parts of an open store share.</summary>
internal sealed class StoreContext(
    RecordStoreOptions options, SegmentLog log, DamageLedger ledger, string hintsFolder)
{
    private readonly ConcurrentDictionary<string, byte[]> _unwrittenNotes = new();
    private volatile StoreIndex? _index;
    private volatile bool _isFull;
    private volatile bool _mayFreeRoom = true;

    /// <summary>The options.</summary>
    public RecordStoreOptions Options { get; } = options;

    /// <summary>The segments.</summary>
    public SegmentLog Log { get; } = log;

    /// <summary>What was found wrong.</summary>
    public DamageLedger Ledger { get; } = ledger;

    /// <summary>Where hints are.</summary>
    public string HintsFolder { get; } = hintsFolder;

    /// <summary>Held while a hint is put in its place, and while a segment goes with its hint.</summary>
    public Lock HintGate { get; } = new();

    /// <summary>Room for compaction.</summary>
    public Reserve Reserve { get; } = new(options);

    /// <summary>Whether the disk refused to take more, and garbage is looked for.</summary>
    public bool IsFull
    {
        get => _isFull;
        set => _isFull = value;
    }

    /// <summary>
    /// Whether there may be garbage whose compaction makes room: who writes had better come again then.
    /// </summary>
    public bool MayFreeRoom
    {
        get => _mayFreeRoom;
        set => _mayFreeRoom = value;
    }

    /// <summary>Told on the writer's thread that all were told whom a batch concerned.</summary>
    public Action<bool>? Told { get; set; }

    /// <summary>Memory that the index may take: as set, but half of what the process has at most.</summary>
    public long IndexBytesMax { get; } =
        Math.Min(options.IndexBytes, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2);

    /// <summary>Hot records.</summary>
    public RecordCache Cache { get; } = new(options.CacheBytes);

    /// <summary>What is stored and where.</summary>
    public StoreIndex Index
    {
        get => _index ?? throw new InvalidOperationException("The store is not open yet.");
        set => _index = value;
    }

    /// <summary>
    /// Lost records, with their versions, of which the log does not say yet that nothing older stands in
    /// their place.
    /// </summary>
    public ConcurrentDictionary<Key, RecordVersion> Unrecorded { get; } = new();

    /// <summary>Hints without a segment, to be deleted once the log says what is lost with them.</summary>
    public List<int> ForgottenHints { get; } = [];

    /// <summary>Why the opening read more than hints; null when it did not.</summary>
    public string? Rebuilt { get; set; }

    /// <summary>What time it is.</summary>
    public NetworkTime Now => Options.Time();

    /// <summary>Notes that are not on disk yet.</summary>
    public IEnumerable<KeyValuePair<string, byte[]>> UnwrittenNotes => _unwrittenNotes;

    /// <summary>The content of a note; null when there is none.</summary>
    public byte[]? FindNote(string name) =>
        _unwrittenNotes.GetValueOrDefault(name) ?? Index.FindNote(name)?.Content;

    /// <summary>Keeps a note in memory until it is written; false when there are too many.</summary>
    public bool KeepNote(string name, byte[] content, int notesMax)
    {
        if (FindNote(name) is null && Index.NoteCount + _unwrittenNotes.Count >= notesMax)
        {
            return false;
        }

        _unwrittenNotes[name] = content;
        return true;
    }

    /// <summary>Lets go of a note that is written now, unless it changed meanwhile.</summary>
    public void ReleaseNote(Note note) =>
        _unwrittenNotes.TryRemove(new KeyValuePair<string, byte[]>(note.Name, note.Content));
}
