using System.Runtime.InteropServices;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>Takes records from a peer, a batch at a time, and waits until they are on disk here.</summary>
internal sealed class FetchQueue(ReplicaContext context, SyncSession session)
{
    private const int BatchesMax = 2;
    private const int BatchCount = 128;
    private const int WaitingMax = 4096;

    private readonly Queue<KeyVersion> _keys = [];
    private int _batches;

    /// <summary>Number of records that are here now and were not before.</summary>
    public int Moved { get; private set; }

    /// <summary>Whether no more should be added for now.</summary>
    public bool IsFull => _keys.Count >= WaitingMax;

    /// <summary>Whether nothing waits and nothing is under way.</summary>
    public bool IsIdle => _keys.Count == 0 && _batches == 0;

    /// <summary>Adds a key, with the version that is here.</summary>
    public void Add(KeyVersion key) => _keys.Enqueue(key);

    /// <summary>Starts as many batches as may be under way.</summary>
    public void Pump()
    {
        while (_batches < BatchesMax && _keys.Count > 0)
        {
            var batch = new List<KeyVersion>(Math.Min(BatchCount, _keys.Count));
            while (batch.Count < BatchCount && _keys.TryDequeue(out KeyVersion key))
            {
                batch.Add(key);
            }

            _batches++;
            new FetchBatch(context, session, this, batch).Start();
        }
    }

    /// <summary>A batch is on disk.</summary>
    internal void HandleMoved(int count)
    {
        _batches--;
        Moved += count;
        session.HandleMoved();
    }
}

/// <summary>Keys whose records are asked for in one message.</summary>
internal sealed class FetchBatch(
    ReplicaContext context, SyncSession session, FetchQueue queue, List<KeyVersion> keys)
    : IReplyHandler, IWriteHandler
{
    private static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(10);

    private int _writing;
    private int _moved;
    private bool _hasFailed;

    /// <summary>Begins.</summary>
    public void Start()
    {
        ReplicaMessages.WriteFetch(context.Buffer, isAsRoot: false, CollectionsMarshal.AsSpan(keys));
        context.Request(this, 0, session.Peer, exact: true, FetchTimeout);
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        List<Record>? records = reply.Status == KbrStatus.Ok ? Read(reply.Payload) : null;
        if (records is null)
        {
            session.HandleFailure();
            return;
        }

        _writing = records.Count;
        if (_writing == 0)
        {
            queue.HandleMoved(0);
        }

        foreach (Record record in records)
        {
            context.Write(this, 0, record);
        }
    }

    /// <inheritdoc/>
    public void HandleWritten(int tag, StoredStatus status)
    {
        _writing--;
        _hasFailed |= status is not (StoredStatus.Held or StoredStatus.Newer);
        _moved += status == StoredStatus.Held ? 1 : 0;
        if (_writing > 0)
        {
            return;
        }

        if (_hasFailed)
        {
            session.HandleFailure();
        }
        else
        {
            queue.HandleMoved(_moved);
        }
    }

    /// <summary>
    /// The records of an answer; null when it is none. What did not fit is asked for again.
    /// </summary>
    private List<Record>? Read(ReadOnlyMemory<byte> payload)
    {
        if (!Decoding.TryRead(
            payload, MessageKind.Fetched, ReplicaMessages.ReadFetched, out var entries))
        {
            return null;
        }

        var records = new List<Record>(entries.Length);
        var omitted = new List<KeyVersion>();
        for (int at = 0; at < entries.Length && at < keys.Count; at++)
        {
            if (entries[at].Status == FetchedStatus.Omitted)
            {
                omitted.Add(keys[at]);
            }
            else if (entries[at].Status == FetchedStatus.Record)
            {
                Record? record = RecordCodec.TryDecode(context.Own(entries[at].Record), out _);
                if (record is null || record.Header.Key != keys[at].Key)
                {
                    return null;
                }

                switch (context.FaultOf(record)?.Reason)
                {
                    case null:
                        records.Add(record);
                        break;
                    case RefusalReason.Version:
                        // One of the two clocks is wrong. The record may be right, and acknowledged: it is
                        // not taken, but not called absent either.
                        context.HandleLacking(record.Header);
                        break;
                    default:
                        return null;
                }
            }
        }

        if (omitted.Count > 0 && records.Count == 0)
        {
            return null;
        }

        omitted.ForEach(queue.Add);
        return records;
    }
}
