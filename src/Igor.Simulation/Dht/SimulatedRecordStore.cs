using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Engine;
using Igor.Simulation.Faults;
using Igor.Simulation.Network;

namespace Igor.Simulation.Dht;

/// <summary>
/// A record store in virtual time. A record is durable, and survives the process, only when the commit that
/// holds it is through: writes that came while one commit ran go into the next, as with a real disk. Of a
/// commit that the death of the process tore, some first writes may be durable. What is durable stands on the
/// host's <see cref="SimulatedDisk"/>.
/// </summary>
public sealed class SimulatedRecordStore : IRecordStore
{
    private const int StallFactor = 100;
    private static readonly TimeSpan NoteDelay = TimeSpan.FromSeconds(2);
    private readonly SimulatedNode _node;
    private readonly SimulatedStoreOptions _options;
    private readonly SimRandom _random;
    private readonly TornCommit _torn;
    private readonly HashSet<(Key Key, RecordVersion Version)> _told = [];
    private readonly Dictionary<string, byte[]> _notes = [];
    private List<(Record Record, RecordVersion Held, Action<StoreOutcome> Completed)> _waiting = [];
    private bool _isCommitting;

    /// <summary>Opens the store on a host's disk.</summary>
    public SimulatedRecordStore(SimulatedNode node, SimulatedStoreOptions options, SimRandom random)
    {
        ArgumentNullException.ThrowIfNull(node);
        _node = node;
        _options = options;
        _random = random;
        Durable = DurableOn(node);
        Blind = options.Planted == PlantedFault.MergeByArrival ? new BlindIndex(Durable.Index) : null;
        _torn = node.Disk.Open("torn commit", static () => new TornCommit());
        _torn.Keep(Durable, random);
    }

    /// <summary>What would survive a crash now.</summary>
    public InMemoryRecordStore Durable { get; }

    /// <inheritdoc/>
    public StoreStatus Status => Durable.Status;

    /// <summary>What stands on the disk of a host, whether or not it runs.</summary>
    public static InMemoryRecordStore DurableOn(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Disk.Open("records", () => new InMemoryRecordStore(() => node.Time));
    }

    /// <summary>The durable record of a key on a host's disk; null when there is none.</summary>
    public static Record? Find(SimulatedNode node, Key key)
    {
        Record? found = null;
        DurableOn(node).Read(key, record => found = record);
        return found;
    }

    /// <inheritdoc/>
    public void Write(Record record, Action<StoreOutcome> completed) =>
        Replace(record, RecordVersion.None, completed);

    /// <inheritdoc/>
    public void Replace(Record record, RecordVersion held, Action<StoreOutcome> completed)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(completed);
        if (_options.Planted == PlantedFault.SkipReplica
            && _told.Add((record.Header.Key, record.Header.Version)) && _random.NextInt(2) == 0)
        {
            completed(StoreOutcome.Durable);
            return;
        }

        if (_options.Planted == PlantedFault.AcknowledgeBeforeSync)
        {
            completed(StoreOutcome.Durable);
            completed = static _ => { };
        }

        _waiting.Add((record, held, completed));
        if (!_isCommitting)
        {
            BeginCommit();
        }
    }

    /// <inheritdoc/>
    public void Read(Key key, Action<Record?> completed) =>
        _node.After(_options.Read, () => Durable.Read(key, completed));

    /// <inheritdoc/>
    public void Remove(Key key, RecordVersion version, Action<StoreOutcome> completed) =>
        Durable.Remove(key, version, completed);

    /// <inheritdoc/>
    public IRecordIndex Index => Blind ?? Durable.Index;

    /// <summary>The index where records are merged as they come, which is planted; else null.</summary>
    internal BlindIndex? Blind { get; }

    /// <inheritdoc/>
    public IEnumerable<RecordHeader> Headers(Arc arc) => Durable.Headers(arc);

    /// <inheritdoc/>
    public byte[]? ReadNote(string name) => _notes.GetValueOrDefault(name) ?? Durable.ReadNote(name);

    /// <inheritdoc/>
    public void WriteNote(string name, byte[] content)
    {
        byte[] kept = [.. content];
        _notes[name] = kept;
        _node.After(NoteDelay, () => Durable.WriteNote(name, kept));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void BeginCommit()
    {
        _isCommitting = true;
        List<(Record Record, RecordVersion Held, Action<StoreOutcome> Completed)> batch = _waiting;
        _waiting = [];
        TimeSpan duration = _random.Between(_options.CommitMin, _options.CommitMax);
        if (_random.NextDouble() < _options.StallFraction)
        {
            duration *= StallFactor;
        }

        bool fails = _random.NextDouble() < _options.FailureFraction || _node.Disk.IsFull;
        _torn.Begin(fails ? [] : batch.Select(static write => (write.Record, write.Held)));
        _node.After(duration + _node.Disk.ExtraCommitTime, () => EndCommit(batch, fails));
    }

    private void EndCommit(
        List<(Record Record, RecordVersion Held, Action<StoreOutcome> Completed)> batch, bool fails)
    {
        _isCommitting = false;
        _torn.Begin([]);
        foreach ((Record record, RecordVersion held, Action<StoreOutcome> completed) in batch)
        {
            if (fails)
            {
                completed(StoreOutcome.Failed);
            }
            else
            {
                Keep(record, held, completed);
            }
        }

        if (_waiting.Count > 0 && !_isCommitting)
        {
            BeginCommit();
        }
    }

    private void Keep(Record record, RecordVersion held, Action<StoreOutcome> completed)
    {
        if (_options.Planted == PlantedFault.DropTombstone && record.Header.IsTombstone)
        {
            Durable.Remove(record.Header.Key, record.Header.Version, completed);
        }
        else if (_options.Planted == PlantedFault.MergeByArrival)
        {
            RecordVersion before = RecordVersion.None;
            Durable.Read(record.Header.Key, there => before = there?.Header.Version ?? before);
            Durable.Replace(record, before, completed);
        }
        else
        {
            Durable.Replace(record, held, completed);
        }
    }
}
