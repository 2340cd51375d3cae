using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>A put whose answer was lost is not done again over what another wrote since.</summary>
public class PutOnceTests
{
    private static readonly Key s_tea = DhtKey.ForValue("tea");

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(20)]
    public void Put_whose_answer_was_lost_does_not_replace_what_was_written_since(int writes)
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(5, seed);
            DhtClusterNode[] near = cluster.NearestTo(s_tea);
            PendingOperation first = PutWithoutAnswer(cluster, near);
            WriteOver(cluster, near[1], writes);
            cluster.Heal();
            cluster.RunUntil(() => first.Result is not null, 30);
            Assert.NotNull(first.Result!.Receipt);
            Assert.InRange(first.Result.Receipt.Holders.Count, 3, 5);
            Assert.Equal($"{writes}", cluster.Value("tea", near[1]));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Root_that_is_new_knows_that_a_put_was_done(bool lacksIt)
    {
        for (int seed = 1; seed <= 10; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(8, seed);
            DhtClusterNode[] near = cluster.NearestTo(s_tea);
            PendingOperation first = PutWithoutAnswer(cluster, near);
            if (lacksIt)
            {
                cluster.Cut(near[0].Id, near[1].Id); // and is to be the root
            }

            WriteOver(cluster, near[2], 3);
            cluster.Kill(near[0]);
            cluster.Heal();
            cluster.RunUntil(() => first.Result is not null, 30);
            Assert.NotNull(first.Result!.Receipt);
            Assert.Equal("3", cluster.Value("tea", near[2]));
        }
    }

    [Fact]
    public void Put_that_was_never_done_is_done_over_what_was_written_since()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        cluster.Cut(near[4].Id, near[0].Id);
        PendingOperation first = near[4].Put(PutOf("first"));
        cluster.Run(0.5);
        WriteOver(cluster, near[1], 3);
        cluster.Heal();
        cluster.RunUntil(() => first.Result is not null, 30);
        Assert.NotNull(first.Result!.Receipt);
        Assert.Equal("first", cluster.Value("tea", near[1]));
    }

    [Fact]
    public void Put_that_failed_and_was_done_by_a_read_does_not_replace_what_was_written_since()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        DhtClusterNode[] full = [near[0], near[2], near[3], near[4]];
        Array.ForEach(full, node => node.WriteOutcome = StoreOutcome.Failed);
        cluster.Cut(near[0].Id, near[4].Id);
        PendingOperation first = near[4].Put(PutOf("first"));
        cluster.Run(0.5);
        Array.ForEach(full[1..], node => node.WriteOutcome = StoreOutcome.Durable); // not the root

        // A read need not hear the only one that has it.
        cluster.RunUntil(
            () => cluster.Get("tea", near[1]) is { Outcome: GetOutcome.Found, IsDegraded: false });
        WriteOver(cluster, near[1], 1);
        Assert.Null(first.Result);
        cluster.Heal();
        cluster.RunUntil(() => first.Result is not null, 30);
        Assert.NotNull(first.Result!.Receipt);
        Assert.Equal("1", cluster.Value("tea", near[1]));
    }

    private static PendingOperation PutWithoutAnswer(DhtCluster cluster, DhtClusterNode[] near)
    {
        cluster.Cut(near[0].Id, near[4].Id);
        PendingOperation put = near[4].Put(PutOf("first"));
        cluster.Run(0.5);
        Assert.Equal("first", cluster.Value("tea", near[1]));
        return put;
    }

    private static void WriteOver(DhtCluster cluster, DhtClusterNode via, int writes)
    {
        for (int at = 1; at <= writes; at++)
        {
            Assert.NotNull(cluster.Put("tea", $"{at}", via).Receipt);
        }
    }

    private static DhtPut PutOf(string text) => new()
    {
        Key = s_tea,
        Type = ValueRecordType.TypeName,
        Value = System.Text.Encoding.UTF8.GetBytes(text),
        Timeout = TimeSpan.FromSeconds(20),
    };
}
