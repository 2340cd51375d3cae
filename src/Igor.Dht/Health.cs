using System.Globalization;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht;

/// <summary>What troubles a DHT, seen from one process: the node, the member on it, and its store.</summary>
internal static class Health
{
    /// <summary>All troubles, each kind once, those of the node first.</summary>
    /// <param name="host">The node.</param>
    /// <param name="member">The member on it, or this process's own view where there is none.</param>
    /// <param name="store">The store; null where nothing is kept.</param>
    /// <param name="socket">Where storage nodes attach to the daemon; null for a node of its own.</param>
    public static IReadOnlyList<Trouble> TroublesOf(
        HostStatus host, DhtNodeStatus member, StoreStatus? store, string? socket)
    {
        var troubles = new List<Trouble>(host.Troubles);
        if (host.Ring.IsJoined && !member.IsJoined)
        {
            troubles.Add(store is not null
                ? new Trouble(TroubleKinds.Joining, "the node has not joined the ring of the DHT yet")
                : NoMember(socket));
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

    private static Trouble NoMember(string? socket) => new(
        TroubleKinds.NoMember,
        socket is null
            ? "no storage node is known in this network yet"
            : "no storage node is attached to the node, and it knows none elsewhere: run igor-dht serve "
                + $"--socket {socket}");
}
