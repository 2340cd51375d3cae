using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Simulation.Dht;

/// <summary>
/// An index that shows no record while one is taken, so that whatever comes takes the place of what is there:
/// <see cref="Faults.PlantedFault.MergeByArrival"/>.
/// </summary>
internal sealed class BlindIndex(IRecordIndex index) : IRecordIndex
{
    /// <summary>Whether a record is taken now.</summary>
    public bool IsBlind { get; set; }

    public int Count => index.Count;

    public int CountOf(int replicas) => index.CountOf(replicas);

    public bool TryGet(Key key, out Holding holding)
    {
        holding = default;
        return !IsBlind && index.TryGet(key, out holding);
    }

    public Fingerprint FingerprintOf(Arc arc, int replicas, long nowUnixMs) =>
        index.FingerprintOf(arc, replicas, nowUnixMs);

    public bool List(KeySpan span, int replicas, long endedBeforeUnixMs, int countMax, List<Holding> into) =>
        index.List(span, replicas, endedBeforeUnixMs, countMax, into);
}
