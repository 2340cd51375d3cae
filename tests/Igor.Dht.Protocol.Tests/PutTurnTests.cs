using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>A put that finds a newer version at a replica ends its own turn, and nobody else's.</summary>
public class PutTurnTests
{
    private static readonly Key s_tea = DhtKey.ForValue("tea");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Put_that_finds_a_newer_version_ends_one_turn(int seed)
    {
        DhtCluster cluster = DhtCluster.Of(8, seed);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        var stored = new List<ulong>();
        near[2].Forge = payload =>
        {
            if (Decoding.TryRead(payload, MessageKind.Store, ReplicaMessages.ReadStore, out var store)
                && RecordCodec.TryDecode(store.Records[0], out _) is { } record
                && record.Header.Key == s_tea)
            {
                stored.Add(record.Header.Version.Writer);
            }

            return null;
        };
        ulong clock = (ulong)cluster.Time.UnixMs << HybridClock.CounterBits;
        Record newer = NewRecord(clock + 10, 9);
        var buffer = new PayloadBuffer();
        ReplicaMessages.WriteStore(buffer, isCoordinated: true, [newer]);
        near[1].Deliver(s_tea, near[3].Id, buffer.Written.ToArray(), static _ => { });
        cluster.RunUntil(() => near[1].Disk.ContainsKey(s_tea));

        cluster.Cut(near[3].Id, near[0].Id); // so that the answer that is newer is needed
        cluster.Cut(near[4].Id, near[0].Id);

        bool[] hasEnded = new bool[4];
        void Put(ulong writer, ulong later)
        {
            Record record = NewRecord(clock + later, writer);
            var put = new PayloadBuffer();
            new PutMessage(AckLevel.Quorum, TimeSpan.FromSeconds(4), record.Encoded, 0, []).Write(put);
            near[0].Deliver(
                s_tea, Key.HashOf("client"), put.Written.ToArray(), _ => hasEnded[writer] = true);
        }

        Put(1, later: 0);
        near[0].WriteDelay = TimeSpan.FromSeconds(1);
        Put(2, later: 20);
        cluster.RunUntil(() => hasEnded[1]);
        cluster.Run(0.3); // for so long the turn is kept for the first
        Put(3, later: 30);
        cluster.RunUntil(() => stored.Contains(2));
        cluster.Run(0.1);
        Assert.False(hasEnded[2]);
        Assert.DoesNotContain(3UL, stored);
        cluster.RunUntil(() => hasEnded[2] && hasEnded[3]);
    }

    private static Record NewRecord(ulong clock, ulong writer) => RecordCodec.Encode(
        new RecordHeader
        {
            Key = s_tea,
            Type = ValueRecordType.TypeName,
            Version = new RecordVersion(clock, writer),
        },
        "value"u8);
}
