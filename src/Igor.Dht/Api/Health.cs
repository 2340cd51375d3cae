using System.Globalization;
using Igor.Dht.Protocol;
using Igor.Dht.Storage;
using Igor.Kbr;

namespace Igor.Dht;

/// <summary>What troubles a DHT, seen from one process: the node, the member on it, and its store.</summary>
internal static class Health
{
    /// <summary>All troubles, each kind once, those of the node first.</summary>
    public static IReadOnlyList<Trouble> TroublesOf(
        HostStatus host, DhtNodeStatus member, StoreStatus? store)
    {
        var troubles = new List<Trouble>(host.Troubles);
        if (host.Ring.IsJoined && !member.IsJoined)
        {
            troubles.Add(new Trouble(
                TroubleKinds.Joining, "the node has not joined the ring of the DHT yet"));
        }

        troubles.AddRange(member.Troubles);
        if (store is { DamagedRecords: > 0 })
        {
            string count = store.DamagedRecords.ToString(CultureInfo.InvariantCulture);
            troubles.Add(new Trouble(
                TroubleKinds.Damage, $"{count} damaged records were found and are not served"));
        }

        if (store?.Trouble is { } disk)
        {
            troubles.Add(new Trouble(TroubleKinds.Disk, disk));
        }

        return [.. troubles.DistinctBy(trouble => trouble.Kind)];
    }
}
