using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>What an acknowledgement promises: copies asked for are copies made, or the write fails.</summary>
public class CopiesTests
{
    private static readonly Key s_tea = DhtKey.ForValue("tea");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(8)]
    public void All_means_as_many_as_were_asked_for(int nodes)
    {
        DhtCluster cluster = DhtCluster.Of(nodes);
        foreach (bool isDelete in (bool[])[false, true])
        {
            OperationResult result = cluster.Put(
                "tea",
                "green",
                with: p => p with
                {
                    Acks = AckLevel.All,
                    IsDelete = isDelete,
                    Value = isDelete ? default : p.Value,
                });
            if (nodes >= 5)
            {
                Assert.Equal((5, 5), (result.Receipt!.Holders.Count, result.Receipt.ReplicasAsked));
                continue;
            }

            Assert.Equal(DhtError.NotEnoughReplicas, result.Failure!.Error);
            Assert.Equal(nodes, result.Failure.Holders.Count);
            Assert.Contains($"{nodes} of the 5 asked for", result.Failure.Message, StringComparison.Ordinal);
            Assert.Contains("5 are needed", result.Failure.Message, StringComparison.Ordinal);
        }

        PutReceipt few = cluster.Put(
            "tea", "black", with: p => p with { Acks = AckLevel.All, Replicas = nodes }).Receipt!;
        Assert.Equal((nodes, nodes), (few.Holders.Count, few.ReplicasAsked));
    }

    [Theory]
    [InlineData(1, 5, 1)]
    [InlineData(2, 5, 2)]
    [InlineData(3, 5, 2)]
    [InlineData(4, 5, 3)]
    [InlineData(8, 5, 3)]
    [InlineData(8, 2, 2)]
    [InlineData(8, 8, 5)]
    public void Quorum_is_a_majority_of_those_asked_for_or_known(int nodes, int asked, int needed)
    {
        DhtCluster cluster = DhtCluster.Of(nodes);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        PutReceipt receipt = cluster.Put("tea", "green", near[0], p => p with { Replicas = asked }).Receipt!;
        Assert.True(receipt.Holders.Count >= needed);
        Assert.Equal(asked, receipt.ReplicasAsked);

        // One copy fewer is not enough.
        foreach (DhtClusterNode other in near[(needed - 1)..].Where(n => n != near[0]))
        {
            other.WriteOutcome = StoreOutcome.Failed;
        }

        if (needed == 1)
        {
            near[0].WriteOutcome = StoreOutcome.Failed;
        }

        OperationResult failed = cluster.Put("tea", "black", near[0], p => p with { Replicas = asked });
        Assert.Equal(
            needed == 1 ? DhtError.Local : DhtError.NotEnoughReplicas, failed.Failure!.Error);
        Assert.Equal(needed - 1, failed.Failure.Holders.Count);
    }

    [Theory]
    [InlineData(AckLevel.One, 1, true)]
    [InlineData(AckLevel.One, 3, true)]
    [InlineData(AckLevel.One, 4, false)]
    [InlineData(AckLevel.Quorum, 1, true)]
    [InlineData(AckLevel.Quorum, 4, false)]
    [InlineData(AckLevel.All, 1, false)]
    public void Floor_holds_on_every_level_and_lowers_none(AckLevel acks, int floor, bool isEnough)
    {
        DhtCluster cluster = DhtCluster.Of(3);
        OperationResult result = cluster.Put(
            "tea", "green", with: p => p with { Acks = acks, CopiesMin = floor });
        Assert.Equal(isEnough, result.Receipt is not null);
        if (isEnough)
        {
            Assert.True(result.Receipt!.Holders.Count >= floor);
        }
        else
        {
            Assert.Equal(DhtError.NotEnoughReplicas, result.Failure!.Error);
            Assert.Equal(3, result.Failure.Holders.Count);
        }
    }

    [Theory]
    [InlineData(AckLevel.One)]
    [InlineData(AckLevel.Quorum)]
    public void Floor_that_is_not_named_is_a_majority_on_every_level(AckLevel acks)
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        foreach (DhtClusterNode other in near[2..])
        {
            cluster.Cut(near[0].Id, other.Id);
        }

        DhtFailure failure = cluster.Put("tea", "green", near[0], p => p with { Acks = acks }).Failure!;
        Assert.Equal(DhtError.NotEnoughReplicas, failure.Error);
        Assert.Equal(2, failure.Holders.Count);
        Assert.Contains("3 are needed", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_with_a_floor_of_one_is_content_with_one()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        foreach (DhtClusterNode other in near[1..])
        {
            cluster.Cut(near[0].Id, other.Id);
        }

        PutReceipt receipt = cluster.Put(
            "tea", "green", near[0], p => p with { Acks = AckLevel.One, CopiesMin = 1 }).Receipt!;
        Assert.Equal([near[0].Id], receipt.Holders);
        Assert.Equal(5, receipt.ReplicasAsked);
    }

    [Fact]
    public void Floor_above_the_replicas_is_refused()
    {
        DhtCluster cluster = DhtCluster.Of(1);
        DhtFailure failure = cluster.Put(
            "tea", "green", with: p => p with { Replicas = 2, CopiesMin = 3 }).Failure!;
        Assert.Equal(DhtError.Refused, failure.Error);
    }

    [Fact]
    public void Writer_counts_the_copies_against_the_members_that_it_knows_itself()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        var buffer = new PayloadBuffer();
        new PutDoneMessage(new RecordVersion(1, 1), 1, [near[0].Id, near[0].Id, near[0].Id], false)
            .Write(buffer);
        byte[] done = buffer.Written.ToArray();
        near[0].Forge = _ => done;
        DhtFailure failure = cluster.Put("tea", "green", near[1]).Failure!;
        Assert.Equal(DhtError.NotEnoughReplicas, failure.Error);
        Assert.Equal([near[0].Id], failure.Holders);
    }

    [Fact]
    public void Value_that_its_caller_changes_later_is_written_as_it_was()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode root = cluster.RootOf(s_tea);
        byte[] value = [1, 2, 3];
        var newer = new RecordVersion(1, 1);
        var buffer = new PayloadBuffer();
        CommonMessages.WriteConflict(buffer, newer);
        byte[] conflict = buffer.Written.ToArray();
        root.Forge = payload =>
        {
            bool isPut = payload[1] == (byte)MessageKind.Put;
            root.Forge = isPut ? null : root.Forge;
            return isPut ? conflict : null; // so that the record is made once more
        };
        PendingOperation put = cluster.Alive.First(n => n != root).Put(new DhtPut
        {
            Key = s_tea,
            Type = ValueRecordType.TypeName,
            Value = value,
            Timeout = TimeSpan.FromSeconds(10),
        });
        Array.Fill(value, (byte)0xDB);
        cluster.RunUntil(() => put.Result is not null);

        Assert.NotNull(put.Result!.Receipt);
        Assert.Null(root.Forge);
        Assert.Equal([1, 2, 3], cluster.Get(s_tea).Got!.Value.ToArray());
    }

    [Fact]
    public void Failed_write_says_what_kept_each_replica_from_holding_it()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        near[1].WriteOutcome = StoreOutcome.Failed;
        near[2].WriteOutcome = StoreOutcome.OverQuota;
        cluster.Cut(near[0].Id, near[3].Id);
        string message = cluster.Put("tea", "green", near[0]).Failure!.Message;
        foreach ((DhtClusterNode node, string why) in (IEnumerable<(DhtClusterNode, string)>)
            [(near[1], "could not store it"), (near[2], "has no room"), (near[3], "did not answer")])
        {
            Assert.Contains($"{node.Id.ToShortString()} {why}", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Read_that_reached_no_replica_says_what_was_tried()
    {
        DhtCluster cluster = DhtCluster.Of(2);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        var buffer = new PayloadBuffer();
        CommonMessages.WriteBusy(buffer, "the ring is changing");
        byte[] busy = buffer.Written.ToArray();
        near[0].Forge = _ => busy;
        GetResult got = cluster.Get("tea", near[1]);
        Assert.Equal((GetOutcome.Unreachable, 0, 0), (got.Outcome, got.ReplicasAnswered, got.ReplicasAsked));
        Assert.Contains("requests to the root", got.Trouble, StringComparison.Ordinal);
        Assert.Contains("the ring is changing", got.Trouble, StringComparison.Ordinal);
        near[0].Forge = null;
        Assert.Null(cluster.Get("absent", cluster.RootOf(DhtKey.ForValue("absent"))).Trouble);
    }
}
