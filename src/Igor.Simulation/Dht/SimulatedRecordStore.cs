using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Dht;

/// <summary>
/// A record store in virtual time. A record is durable, and survives the process, only when the commit that
/// holds it is through: writes that came while one commit ran go into the next, as with a real disk. What is
/// durable stands on the host's <see cref="SimulatedDisk"/>.
/// </summary>
public sealed class SimulatedRecordStore : IRecordStore
{
    private const int StallFactor = 100;
    private readonly SimulatedNode _node;
    private readonly SimulatedStoreOptions _options;
    private readonly SimRandom _random;
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
    public IRecordIndex Index => Durable.Index;

    /// <inheritdoc/>
    public IEnumerable<RecordHeader> Headers(Arc arc) => Durable.Headers(arc);

    /// <inheritdoc/>
    public byte[]? ReadNote(string name) => Durable.ReadNote(name);

    /// <inheritdoc/>
    public void WriteNote(string name, byte[] content) => Durable.WriteNote(name, content);

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

        bool fails = _random.NextDouble() < _options.FailureFraction;
        _node.After(duration, () => EndCommit(batch, fails));
    }

    private void EndCommit(
        List<(Record Record, RecordVersion Held, Action<StoreOutcome> Completed)> batch, bool fails)
    {
        _isCommitting = false;
        foreach ((Record record, RecordVersion held, Action<StoreOutcome> completed) in batch)
        {
            if (fails)
            {
                completed(StoreOutcome.Failed);
            }
            else
            {
                Durable.Replace(record, held, completed);
            }
        }

        if (_waiting.Count > 0 && !_isCommitting)
        {
            BeginCommit();
        }
    }
}
