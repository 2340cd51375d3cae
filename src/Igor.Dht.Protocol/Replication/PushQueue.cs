using System.Runtime.InteropServices;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// Gives a peer records, a batch at a time: reads them from the store, sends them, and waits until the peer
/// has them on disk.
/// </summary>
internal sealed class PushQueue(ReplicaContext context, SyncSession session)
{
    private const int BatchesMax = 2;
    private const int WaitingMax = 4096;

    /// <summary>
    /// Batches of which the peer refuses records, before the rest is kept back: it may be one owner who has
    /// no room, but a full store is not to be offered everything every half minute.
    /// </summary>
    private const int RefusedBatchesMax = 16;

    private readonly Queue<Key> _keys = [];
    private readonly Queue<SyncRange> _ranges = [];
    private readonly List<Holding> _listed = [];
    private int _batches;

    /// <summary>Number of records that the peer has now and had not before.</summary>
    public int Moved { get; private set; }

    /// <summary>
    /// Number of batches of which the peer did not take all, for want of room or otherwise.
    /// </summary>
    public int RefusedBatches { get; private set; }

    /// <summary>
    /// Whether the peer lacks records, for it refused them, or would: those that a wrong clock dated into the
    /// future are not offered before they have another version.
    /// </summary>
    public bool IsIncomplete { get; private set; }

    /// <summary>Whether no more should be added for now.</summary>
    public bool IsFull => _keys.Count >= WaitingMax || _ranges.Count >= WaitingMax;

    /// <summary>Whether nothing waits and nothing is under way.</summary>
    public bool IsIdle => _keys.Count == 0 && _ranges.Count == 0 && _batches == 0;

    /// <summary>Adds one record.</summary>
    public void Add(Key key) => _keys.Enqueue(key);

    /// <summary>Adds all records of a range.</summary>
    public void Add(SyncRange range) => _ranges.Enqueue(range);

    /// <summary>Starts as many batches as may be under way.</summary>
    public void Pump()
    {
        if (RefusedBatches >= RefusedBatchesMax)
        {
            _keys.Clear();
            _ranges.Clear();
        }

        while (_batches < BatchesMax)
        {
            if (_keys.Count == 0 && _ranges.TryDequeue(out SyncRange range))
            {
                List(range);
            }

            List<Key> batch = Take();
            if (batch.Count > 0)
            {
                _batches++;
                new PushBatch(context, session, this, batch).Start();
            }
            else if (_ranges.Count == 0)
            {
                return;
            }
        }
    }

    /// <summary>A batch is on the peer's disk, but for what it refused.</summary>
    internal void HandleMoved(int count, bool isRefused)
    {
        _batches--;
        Moved += count;
        RefusedBatches += isRefused ? 1 : 0;
        IsIncomplete |= isRefused;
        session.HandleMoved();
    }

    private List<Key> Take()
    {
        var batch = new List<Key>();
        int bytes = 0;
        while (_keys.TryPeek(out Key key) && batch.Count < ReplicaMessages.BatchCountMax)
        {
            bool isThere = context.Index.TryGet(key, out Holding holding);
            bool isMisdated = isThere && context.Ranks.IsMisdated(holding.Version);
            IsIncomplete |= isMisdated;
            bytes += holding.ValueLength + RecordCodec.OverheadBytesMax;
            if (batch.Count > 0 && bytes > ReplicaMessages.BatchBytesMax)
            {
                break;
            }

            _keys.Dequeue();
            if (isThere && !isMisdated)
            {
                batch.Add(key);
            }
        }

        return batch;
    }

    /// <summary>Lists the keys of a range; what does not fit stays as a range.</summary>
    private void List(SyncRange range)
    {
        Arc? rest = null;
        foreach (KeySpan span in KeySpan.Of(range.Arc))
        {
            if (rest is not null)
            {
                _ranges.Enqueue(range with { Arc = span.ToArc() });
                continue;
            }

            _listed.Clear();
            bool isAll = context.Index.List(span, range.Replicas, context.Now.UnixMs, WaitingMax, _listed);
            foreach (Holding holding in _listed)
            {
                _keys.Enqueue(holding.Key);
            }

            if (!isAll)
            {
                rest = new KeySpan(_listed[^1].Key + KeySpan.One, span.Last).ToArc();
                _ranges.Enqueue(range with { Arc = rest.Value });
            }
        }
    }
}

/// <summary>Records that go to a peer in one message.</summary>
internal sealed class PushBatch(ReplicaContext context, SyncSession session, PushQueue queue, List<Key> keys)
    : IReadHandler, IReplyHandler
{
    private static readonly TimeSpan StoreTimeout = TimeSpan.FromSeconds(10);

    private readonly List<Record> _records = new(keys.Count);
    private int _reading = keys.Count;

    /// <summary>Begins.</summary>
    public void Start()
    {
        for (int at = 0; at < keys.Count; at++)
        {
            context.Read(this, at, keys[at]);
        }
    }

    /// <inheritdoc/>
    public void HandleRead(int tag, Record? record)
    {
        _reading--;
        if (record is not null)
        {
            _records.Add(record);
        }

        if (_reading > 0)
        {
            return;
        }

        if (_records.Count == 0)
        {
            queue.HandleMoved(0, isRefused: false);
            return;
        }

        ReplicaMessages.WriteStore(
            context.Buffer, isCoordinated: false, CollectionsMarshal.AsSpan(_records));
        context.Request(this, 0, session.Peer, exact: true, StoreTimeout);
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        if (reply.Status != KbrStatus.Ok
            || !Decoding.TryRead(
                reply.Payload, MessageKind.Stored, ReplicaMessages.ReadStored, out var entries)
            || entries.Length != _records.Count)
        {
            session.HandleFailure();
            return;
        }

        int moved = 0;
        bool isRefused = false;
        for (int at = 0; at < entries.Length; at++)
        {
            switch (entries[at].Status)
            {
                case StoredStatus.Held:
                    moved++;
                    break;
                case StoredStatus.Newer:
                    session.HandleNewerThere(_records[at].Header.Key);
                    break;
                default:
                    isRefused = true;
                    break;
            }
        }

        queue.HandleMoved(moved, isRefused);
    }
}
