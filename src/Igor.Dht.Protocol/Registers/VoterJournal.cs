using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Views;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// The way into a voter's log: changes in their order, and answers that wait until all that was changed
/// before them is durable. One sync runs at a time; what comes meanwhile shares the next.
/// </summary>
internal sealed class VoterJournal(ReplicaContext context) : IPieceJournal
{
    /// <summary>A log below this is not rewritten, whatever it says.</summary>
    private const long BytesMin = 1024 * 1024;

    private readonly Queue<(long After, Action Release)> _waiting = new();
    private long _appended;
    private long _durable;
    private long _syncing;
    private long _bytes;
    private long _bytesMax = BytesMin;

    /// <summary>Whether the log failed: then the node promises nothing more.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>All entries that say what is kept now.</summary>
    public required Func<IReadOnlyList<ReadOnlyMemory<byte>>> Snapshot { get; init; }

    /// <inheritdoc/>
    public void Append(PieceChange change) => Append(VoterLogCodec.Encode(change));

    /// <summary>Appends an entry.</summary>
    public void Append(ReadOnlyMemory<byte> entry)
    {
        _appended++;
        _bytes += entry.Length;
        context.AppendVote(entry);
    }

    /// <summary>Does something once all that was appended before is durable.</summary>
    public void AfterSync(Action release)
    {
        if (HasFailed)
        {
            return;
        }

        if (_durable == _appended)
        {
            release();
            return;
        }

        _waiting.Enqueue((_appended, release));
        if (_syncing == 0)
        {
            Sync();
        }
    }

    /// <summary>A sync ended.</summary>
    public void HandleSynced(bool isDurable)
    {
        if (!isDurable)
        {
            HasFailed = true;
            _waiting.Clear();
            return;
        }

        _durable = _syncing;
        _syncing = 0;
        while (_waiting.TryPeek(out (long After, Action Release) next) && next.After <= _durable)
        {
            _waiting.Dequeue();
            next.Release();
        }

        if (_waiting.Count > 0 && _syncing == 0)
        {
            Sync();
        }
    }

    private void Sync()
    {
        if (_bytes > _bytesMax)
        {
            IReadOnlyList<ReadOnlyMemory<byte>> all = Snapshot();
            context.RewriteVotes(all);
            _bytes = all.Sum(static entry => (long)entry.Length);
            _bytesMax = Math.Max(BytesMin, 2 * _bytes);
        }

        _syncing = _appended;
        context.SyncVotes();
    }
}
