using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Dht;
using Igor.Simulation.Network;

namespace Igor.Simulation.Checks;

/// <summary>
/// What the DHT has promised: every put that was acknowledged. Judges from the disks of all hosts whether a
/// promise is broken, and from the true ring whether replicas are in their places.
/// </summary>
public sealed class RecordLedger
{
    private readonly SimulatedNetwork _network;
    private readonly SortedDictionary<Key, Promise> _promises = [];

    /// <summary>Makes an empty ledger.</summary>
    public RecordLedger(SimulatedNetwork network) => _network = network;

    /// <summary>A record that was acknowledged.</summary>
    /// <param name="Key">Its key.</param>
    /// <param name="Version">The newest acknowledged version.</param>
    /// <param name="Value">Its value.</param>
    /// <param name="Replicas">Number of copies that were asked for.</param>
    public sealed record Promise(Key Key, RecordVersion Version, ReadOnlyMemory<byte> Value, int Replicas);

    /// <summary>All promises, in the order of their keys.</summary>
    public IReadOnlyCollection<Promise> Promises => _promises.Values;

    /// <summary>Notes an acknowledged put.</summary>
    public void Add(Promise promise)
    {
        ArgumentNullException.ThrowIfNull(promise);
        if (!_promises.TryGetValue(promise.Key, out Promise? known) || known.Version < promise.Version)
        {
            _promises[promise.Key] = promise;
        }
    }

    /// <summary>The promise of a key; null when there is none.</summary>
    public Promise? Find(Key key) => _promises.GetValueOrDefault(key);

    /// <summary>The promises of which no running host has a durable copy.</summary>
    public IReadOnlyList<Promise> WithoutCopy()
    {
        var running = _network.RunningNodes.ToList();
        return [.. _promises.Values.Where(promise => !running.Any(node => Holds(node, promise)))];
    }

    /// <summary>
    /// The promises that would be without a copy if a host died now: those that stand on its disk and nowhere
    /// else.
    /// </summary>
    public IReadOnlyList<Promise> OnlyOn(SimulatedNode last)
    {
        ArgumentNullException.ThrowIfNull(last);
        var others = _network.RunningNodes.Where(node => node != last).ToList();
        return
        [
            .. SimulatedRecordStore.DurableOn(last).Headers(Arc.Whole)
                .Select(header => Find(header.Key))
                .OfType<Promise>()
                .Where(promise => Holds(last, promise) && !others.Any(node => Holds(node, promise))),
        ];
    }

    /// <summary>Whether a promised version, or a newer one, stands on the disk of a host.</summary>
    internal static bool Holds(SimulatedNode node, Promise promise) =>
        SimulatedRecordStore.Find(node, promise.Key) is { } record
        && record.Header.Version >= promise.Version;

    /// <summary>Reports every promise that no running host can keep any more.</summary>
    /// <param name="log">Where to.</param>
    /// <param name="excused">Keys of which all copies died at the same instant; null for none.</param>
    public void CheckNothingLost(ViolationLog log, IReadOnlySet<Key>? excused = null)
    {
        ArgumentNullException.ThrowIfNull(log);
        foreach (Promise promise in WithoutCopy())
        {
            if (excused?.Contains(promise.Key) != true)
            {
                log.Add(
                    "durability", $"record {promise.Key.ToShortString()} {promise.Version} has no copy left");
            }
        }
    }

    /// <summary>Number of copies missing from the replica sets as the true ring has them.</summary>
    public int CountMisplaced(IReadOnlySet<Key>? excused = null) =>
        _promises.Values.Sum(promise =>
            excused?.Contains(promise.Key) == true ? 0 : Missing(promise).Count());

    /// <summary>Reports every node that ought to hold a promised record and does not.</summary>
    public void CheckPlaces(ViolationLog log, IReadOnlySet<Key>? excused = null)
    {
        ArgumentNullException.ThrowIfNull(log);
        foreach (Promise promise in _promises.Values)
        {
            foreach (SimulatedNode node in excused?.Contains(promise.Key) == true ? [] : Missing(promise))
            {
                log.Add(
                    "replicas",
                    $"record {promise.Key.ToShortString()} is not on {node}, one of its replica set");
            }
        }
    }

    private IEnumerable<SimulatedNode> Missing(Promise promise)
    {
        TrueRing ring = TrueRing.Of(_network, ServiceId.FromName(SimulatedDht.Service));
        return ring.NearestTo(promise.Key, promise.Replicas).Where(node => !Holds(node, promise));
    }
}
