using System.Runtime.InteropServices;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Storage.State;

/// <summary>Keeps the records used last, within a bound of bytes. Thread-safe.</summary>
internal sealed class RecordCache
{
    // Header, list node, table slot: what a record costs beside its bytes.
    private const int OverheadBytes = 400;

    private readonly Lock _gate = new();
    private readonly long _bytesMax;
    private readonly Dictionary<Key, LinkedListNode<Record>> _records = [];
    private readonly LinkedList<Record> _byUse = new();
    private long _bytes;

    /// <summary>Makes an empty cache.</summary>
    public RecordCache(long bytesMax) => _bytesMax = bytesMax;

    /// <summary>Finds a record and counts that as a use.</summary>
    public Record? Find(Key key)
    {
        lock (_gate)
        {
            if (!_records.TryGetValue(key, out LinkedListNode<Record>? node))
            {
                return null;
            }

            if (!ReferenceEquals(_byUse.First, node))
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
            }

            return node.Value;
        }
    }

    /// <summary>Keeps a record in the place of any other of its key.</summary>
    public void Put(Record record)
    {
        long size = SizeOf(record);
        lock (_gate)
        {
            Forget(record.Header.Key);
            if (size > _bytesMax / 4)
            {
                return;
            }

            _records[record.Header.Key] = _byUse.AddFirst(record);
            _bytes += size;
            while (_bytes > _bytesMax)
            {
                Forget(_byUse.Last!.Value.Header.Key);
            }
        }
    }

    /// <summary>Drops the record of a key.</summary>
    public void Remove(Key key)
    {
        lock (_gate)
        {
            Forget(key);
        }
    }

    /// <summary>Drops all records.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _records.Clear();
            _byUse.Clear();
            _bytes = 0;
        }
    }

    private static long SizeOf(Record record) => OverheadBytes
        + (MemoryMarshal.TryGetArray(record.Encoded, out ArraySegment<byte> array)
            ? array.Array!.Length
            : record.Encoded.Length);

    private void Forget(Key key)
    {
        if (_records.Remove(key, out LinkedListNode<Record>? node))
        {
            _byUse.Remove(node);
            _bytes -= SizeOf(node.Value);
        }
    }
}
