using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Index;

/// <summary>
/// What this node holds durably, in memory and in key order: answers at once whether a key is there and in
/// which version, and the fingerprint of any arc in time that grows with the number of runs, not of records.
/// </summary>
internal sealed class RecordIndex
{
    private readonly List<HoldingChunk> _chunks = [];
    private readonly int[] _classCounts = new int[RecordCodec.ReplicasMax + 1];

    /// <summary>Number of records, ended ones and tombstones included.</summary>
    public int Count => _classCounts[0];

    /// <summary>Number of records that ask for so many replicas.</summary>
    public int CountOf(int replicas) => _classCounts[replicas];

    /// <summary>Looks a key up.</summary>
    public bool TryGet(Key key, out Holding holding)
    {
        int at = ChunkFor(key);
        if (at >= 0)
        {
            HoldingChunk chunk = _chunks[at];
            int index = chunk.IndexAtOrAfter(key);
            if (index < chunk.Count && chunk.Items[index].Key == key)
            {
                holding = chunk.Items[index];
                return true;
            }
        }

        holding = default;
        return false;
    }

    /// <summary>The version of a key; None when it is not held.</summary>
    public RecordVersion VersionOf(Key key) =>
        TryGet(key, out Holding holding) ? holding.Version : RecordVersion.None;

    /// <summary>Adds a holding, unless the key is there in the same or a newer version.</summary>
    public bool Put(in Holding holding)
    {
        int at = Math.Max(0, ChunkFor(holding.Key));
        if (_chunks.Count == 0)
        {
            _chunks.Add(new HoldingChunk());
        }

        HoldingChunk chunk = _chunks[at];
        int index = chunk.IndexAtOrAfter(holding.Key);
        if (index < chunk.Count && chunk.Items[index].Key == holding.Key)
        {
            if (chunk.Items[index].Version >= holding.Version)
            {
                return false;
            }

            Tally(chunk.Items[index], -1);
            chunk.Replace(index, holding);
        }
        else
        {
            chunk.Insert(index, holding);
            if (chunk.Count == HoldingChunk.LengthMax)
            {
                _chunks.Insert(at + 1, chunk.Split());
            }
        }

        Tally(holding, 1);
        return true;
    }

    /// <summary>Takes a key out, unless it is there in a newer version.</summary>
    public bool Remove(Key key, RecordVersion version)
    {
        int at = ChunkFor(key);
        if (at < 0)
        {
            return false;
        }

        HoldingChunk chunk = _chunks[at];
        int index = chunk.IndexAtOrAfter(key);
        if (index >= chunk.Count || chunk.Items[index].Key != key || chunk.Items[index].Version > version)
        {
            return false;
        }

        Tally(chunk.Items[index], -1);
        chunk.RemoveAt(index);
        if (chunk.Count == 0)
        {
            _chunks.RemoveAt(at);
        }

        return true;
    }

    /// <summary>
    /// The fingerprint of an arc: of the records with that many replicas, or of all for 0. Ended ones do not
    /// count.
    /// </summary>
    public Fingerprint FingerprintOf(Arc arc, int replicas, long nowUnixMs)
    {
        Fingerprint sum = Fingerprint.Empty;
        foreach (KeySpan span in KeySpan.Of(arc))
        {
            for (int at = Math.Max(0, ChunkFor(span.First)); at < _chunks.Count; at++)
            {
                HoldingChunk chunk = _chunks[at];
                if (chunk.First > span.Last)
                {
                    break;
                }

                sum += chunk.First >= span.First && chunk.Last <= span.Last
                    ? chunk.FingerprintOf(replicas, nowUnixMs)
                    : PartOf(chunk, span, replicas, nowUnixMs);
            }
        }

        return sum;
    }

    /// <summary>
    /// Lists holdings of a span in key order, ended ones left out unless wanted, until there are as many as
    /// asked for. Returns whether the end of the span was reached.
    /// </summary>
    public bool List(KeySpan span, int replicas, long endedBeforeUnixMs, int countMax, List<Holding> into)
    {
        for (int at = Math.Max(0, ChunkFor(span.First)); at < _chunks.Count; at++)
        {
            HoldingChunk chunk = _chunks[at];
            for (int index = chunk.IndexAtOrAfter(span.First); index < chunk.Count; index++)
            {
                ref readonly Holding item = ref chunk.Items[index];
                if (item.Key > span.Last)
                {
                    return true;
                }

                if ((replicas != 0 && item.Replicas != replicas) || item.IsExpiredAt(endedBeforeUnixMs))
                {
                    continue;
                }

                if (into.Count == countMax)
                {
                    return false;
                }

                into.Add(item);
            }
        }

        return true;
    }

    private static Fingerprint PartOf(HoldingChunk chunk, KeySpan span, int replicas, long nowUnixMs)
    {
        Fingerprint sum = Fingerprint.Empty;
        for (int index = chunk.IndexAtOrAfter(span.First); index < chunk.Count; index++)
        {
            ref readonly Holding item = ref chunk.Items[index];
            if (item.Key > span.Last)
            {
                break;
            }

            if ((replicas == 0 || item.Replicas == replicas) && !item.IsExpiredAt(nowUnixMs))
            {
                sum += Fingerprint.Of(item.Key, item.Version);
            }
        }

        return sum;
    }

    private void Tally(in Holding holding, int step)
    {
        _classCounts[0] += step;
        _classCounts[holding.Replicas] += step;
    }

    /// <summary>The last run that begins at or before a key; -1 when there is none.</summary>
    private int ChunkFor(Key key)
    {
        int low = 0;
        int high = _chunks.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if (_chunks[middle].First <= key)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return high;
    }
}
