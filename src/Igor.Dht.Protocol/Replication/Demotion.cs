using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// Keeps a record that a wrong clock dated into the future under a version that is older than any of the
/// right time: so replicas take it, and every honest write replaces it. As it is it would be of no use until
/// its time has come, and then undo what was written since.
/// </summary>
internal sealed class Demotion(ReplicaContext context, Demotion.Budget budget, Holding holding)
    : IReadHandler, IWriteHandler
{
    /// <summary>Reads the record.</summary>
    public void Start() => context.Read(this, 0, holding.Key);

    /// <inheritdoc/>
    public void HandleRead(int tag, Record? record)
    {
        Record? demoted = record?.Header.Version == holding.Version
            ? RecordCodec.WithVersion(record, VersionTime.Demoted(holding.Version))
            : null;

        // Of some types the version is part of what is proven. Such a record stays as it is, and ranks low.
        if (demoted is null || context.Options.Types.Refusal(demoted) is not null)
        {
            budget.Release();
        }
        else
        {
            context.Write(this, 0, demoted);
        }
    }

    /// <inheritdoc/>
    public void HandleWritten(int tag, StoredStatus status) => budget.Release();

    /// <summary>Bounds how many are under way.</summary>
    public sealed class Budget
    {
        /// <summary>All that a step of the sweep looks at; no more until these are through.</summary>
        private const int UnderWayMax = 1024;

        private int _underWay;

        /// <summary>Begins one, if there is room; else the next sweep comes by.</summary>
        public bool TryTake()
        {
            if (_underWay >= UnderWayMax)
            {
                return false;
            }

            _underWay++;
            return true;
        }

        /// <summary>One is through.</summary>
        public void Release() => _underWay--;
    }
}
