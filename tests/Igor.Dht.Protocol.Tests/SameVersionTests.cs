using System.Text;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>Records with the same key and version, and other bytes.</summary>
public class SameVersionTests
{
    [Fact]
    public void Replicas_with_other_bytes_under_one_version_end_with_the_same()
    {
        DhtCluster cluster = DhtCluster.Of(8);
        Key key = DhtKey.ForValue("tea");
        DhtClusterNode[] near = cluster.NearestTo(key);
        Record[] records = [.. Enumerable.Range(0, 5).Select(at => RecordCodec.Encode(
            new RecordHeader { Key = key, Type = "value", Version = new RecordVersion(1000, 1) },
            Encoding.UTF8.GetBytes($"bytes {at}")))];
        for (int at = 0; at < 5; at++)
        {
            var buffer = new PayloadBuffer();
            ReplicaMessages.WriteStore(buffer, isCoordinated: false, [records[at]]);
            near[at].Deliver(near[at].Id, near[(at + 1) % 5].Id, buffer.Written.ToArray(), _ => { });
        }

        Record last = records.Aggregate(RecordTypes.Merge);
        cluster.RunUntil(
            () => near[..5].All(node => node.Disk.TryGetValue(key, out Record? held)
                && held.Encoded.Span.SequenceEqual(last.Encoded.Span)),
            120);
        Assert.Equal(Encoding.UTF8.GetString(RecordCodec.ValueOf(last).Span), cluster.Value("tea"));
    }
}
