using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Index;

/// <summary>
/// What a store holds durably, in memory and in key order: answers at once whether a key is there and in
/// which version, and the fingerprint of any arc in time that grows with the number of runs, not of records.
/// </summary>
public interface IRecordIndex
{
    /// <summary>Number of records, ended ones and tombstones included.</summary>
    int Count { get; }

    /// <summary>Number of records that ask for so many replicas.</summary>
    int CountOf(int replicas);

    /// <summary>Looks a key up.</summary>
    bool TryGet(Key key, out Holding holding);

    /// <summary>The version of a key; None when it is not held.</summary>
    RecordVersion VersionOf(Key key) =>
        TryGet(key, out Holding holding) ? holding.Version : RecordVersion.None;

    /// <summary>
    /// The fingerprint of an arc: of the records with that many replicas, or of all for 0. Ended ones do not
    /// count.
    /// </summary>
    Fingerprint FingerprintOf(Arc arc, int replicas, long nowUnixMs);

    /// <summary>
    /// Lists holdings of a span in key order, ended ones left out unless wanted, until there are as many as
    /// asked for. Returns whether the end of the span was reached.
    /// </summary>
    bool List(KeySpan span, int replicas, long endedBeforeUnixMs, int countMax, List<Holding> into);
}
