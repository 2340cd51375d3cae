using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>
/// A put that finds a newer version at a replica ends its own turn, and nobody else's; and what it says
/// unmarked rests on those who have it itself, where the newer version does not know it.
/// </summary>
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
        StoreNewer(cluster, near, clock + 10);
        cluster.Cut(near[3].Id, near[0].Id); // so that the answer that is newer is needed
        cluster.Cut(near[4].Id, near[0].Id);

        bool[] hasEnded = new bool[4];
        void Put(ulong writer, ulong later)
        {
            Ask(near[0], NewRecord(clock + later, writer), _ => hasEnded[writer] = true);
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

    [Theory]
    [InlineData(1, 4, false)]
    [InlineData(2, 4, false)]
    [InlineData(3, 4, false)]
    [InlineData(1, 2, true)]
    [InlineData(2, 2, true)]
    [InlineData(3, 2, true)]
    public void Put_beside_a_newer_one_is_marked_where_no_majority_has_it(
        int seed, int holders, bool isMarked)
    {
        DhtCluster cluster = DhtCluster.Of(8, seed);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        ulong clock = (ulong)cluster.Time.UnixMs << HybridClock.CounterBits;
        StoreNewer(cluster, near, clock + 10);
        foreach (DhtClusterNode replica in near[(holders + 1)..5])
        {
            cluster.Cut(replica.Id, near[0].Id);
        }

        for (int attempt = 0; attempt < 2; attempt++) // the first answer may have been lost
        {
            byte[]? answer = null;
            Ask(near[0], NewRecord(clock, 1), reply => answer = reply);
            cluster.RunUntil(() => answer is not null);
            Assert.True(
                Decoding.TryRead(answer, MessageKind.PutDone, PutDoneMessage.Read, out PutDoneMessage done));
            Assert.Equal((clock, isMarked), (done.Version.Clock, done.IsDegraded));
        }
    }

    /// <summary>The newer one comes by repair before the put is asked for again.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Put_that_a_majority_has_is_not_done_again_where_a_newer_one_cannot_be_read(int seed)
    {
        DhtCluster cluster = DhtCluster.Of(8, seed);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        ulong clock = (ulong)cluster.Time.UnixMs << HybridClock.CounterBits;
        StoreNewer(cluster, near, clock + 10);
        byte[]? first = null;
        Ask(near[0], NewRecord(clock, 1), reply => first = reply);
        cluster.RunUntil(() => near[4].Disk.ContainsKey(s_tea));
        cluster.Cut(near[1].Id, near[0].Id);
        cluster.RunUntil(() => first is not null);
        StoreAt(cluster, near[0], near, clock + 10);
        byte[]? again = null;
        Ask(near[0], NewRecord(clock, 1), reply => again = reply);
        cluster.RunUntil(() => again is not null);
        Assert.True(
            Decoding.TryRead(again, MessageKind.PutDone, PutDoneMessage.Read, out PutDoneMessage done));
        Assert.Equal(clock, done.Version.Clock);
    }

    private static void StoreAt(DhtCluster cluster, DhtClusterNode at, DhtClusterNode[] near, ulong clock)
    {
        var buffer = new PayloadBuffer();
        ReplicaMessages.WriteStore(buffer, isCoordinated: true, [NewRecord(clock, 9)]);
        bool isStored = false;
        at.Deliver(s_tea, near[3].Id, buffer.Written.ToArray(), _ => isStored = true);
        cluster.RunUntil(() => isStored);
    }

    private static void StoreNewer(DhtCluster cluster, DhtClusterNode[] near, ulong clock)
    {
        var buffer = new PayloadBuffer();
        ReplicaMessages.WriteStore(buffer, isCoordinated: true, [NewRecord(clock, 9)]);
        near[1].Deliver(s_tea, near[3].Id, buffer.Written.ToArray(), static _ => { });
        cluster.RunUntil(() => near[1].Disk.ContainsKey(s_tea));
    }

    private static void Ask(DhtClusterNode root, Record record, Action<byte[]> answered)
    {
        var put = new PayloadBuffer();
        new PutMessage(AckLevel.Quorum, TimeSpan.FromSeconds(4), record.Encoded, 0, []).Write(put);
        root.Deliver(s_tea, Key.HashOf("a client"), put.Written.ToArray(), answered);
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
