using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>What a node does with records that it is no replica of.</summary>
public class HandoffTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Records_are_put_to_a_root_out_of_sight_and_not_to_one_that_is_busy(bool isBusy)
    {
        DhtCluster cluster = DhtCluster.Of(3);
        Key key = DhtKey.ForValue("tea");
        DhtClusterNode root = cluster.RootOf(key);
        DhtClusterNode holder = cluster.NearestTo(key)[2];
        cluster.Kill(holder);
        holder.Disk[key] = RecordCodec.Encode(
            new RecordHeader
            {
                Key = key,
                Type = ValueRecordType.TypeName,
                Version = new RecordVersion((ulong)cluster.Time.UnixMs << HybridClock.CounterBits, 1),
                Replicas = 1,
            },
            "green"u8);
        cluster.Revive(holder);
        var answer = new PayloadBuffer();
        if (isBusy)
        {
            CommonMessages.WriteBusy(answer, "as much waits for this node as may");
        }
        else
        {
            SyncMessages.WriteNotRoot(answer);
        }

        byte[] forged = answer.Written.ToArray();
        int described = 0;
        int puts = 0;
        root.Forge = request =>
        {
            described += request[1] == (byte)MessageKind.Describe ? 1 : 0;
            puts += request[1] == (byte)MessageKind.Put ? 1 : 0;
            return request[1] == (byte)MessageKind.Describe ? forged : null;
        };
        var equal = new PayloadBuffer();
        SyncMessages.WriteEqual(equal, new SyncStanding(0, 1)); // so that the root does not come to fetch it
        byte[] nothing = equal.Written.ToArray();
        holder.Forge = request => request[1] == (byte)MessageKind.Sync ? nothing : null;
        cluster.RunUntil(() => described > 1 || puts > 0, 300);
        cluster.Run(10);
        Assert.Equal(isBusy ? 0 : 1, puts);
        Assert.Equal(isBusy, holder.Disk.ContainsKey(key));
        Assert.Equal(!isBusy, root.Disk.ContainsKey(key));
    }
}
