using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Simulation.Engine;

namespace Igor.Simulation.Dht;

/// <summary>
/// The commit that is under way on a disk. When its process or machine dies, some of its first writes are
/// durable all the same, and the one after them is torn: found to be damaged, and dropped.
/// </summary>
internal sealed class TornCommit
{
    private List<(Record Record, RecordVersion Held)> _writes = [];

    /// <summary>What is being written from now on.</summary>
    public void Begin(IEnumerable<(Record Record, RecordVersion Held)> writes) => _writes = [.. writes];

    /// <summary>Who wrote is dead: keeps what came through.</summary>
    public void Keep(InMemoryRecordStore durable, SimRandom random)
    {
        if (_writes.Count == 0)
        {
            return;
        }

        int kept = random.NextInt(_writes.Count + 1);
        foreach ((Record record, RecordVersion held) in _writes.Take(kept))
        {
            durable.Replace(record, held, static _ => { });
        }

        _writes = [];
    }
}
