using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>
/// Where two nodes take themselves for the root of a key, what either says unmarked is true for all.
/// </summary>
public class TwoRootsTests
{
    private static readonly Key s_tea = DhtKey.ForValue("tea");

    [Theory]
    [InlineData(2, 12)]
    [InlineData(3, 7)]
    [InlineData(4, 16)]
    [InlineData(5, 24)]
    public void Second_root_behind_a_cut_link_reads_nothing_old_unmarked(int seed, int nodes)
    {
        DhtCluster cluster = DhtCluster.Of(nodes, seed);
        cluster.Put("tea", "old");
        cluster.Run(1);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        Assert.False(cluster.Get("tea", near[0]).IsDegraded);
        cluster.Sever(near[0].Id, near[1].Id);
        for (int at = 0; at < 60; at++)
        {
            Exchange(cluster, near, $"new {at}");
            cluster.Run(1);
        }

        cluster.Unsever();
        for (int at = 0; at < 60; at++)
        {
            Exchange(cluster, near, $"newer {at}");
            cluster.Run(0.05);
        }

        cluster.Run(35);
        cluster.Put("tea", "last", near[0]);
        GetResult after = cluster.Get("tea", near[1]);
        Assert.Equal("last", Text(after));
        Assert.False(after.IsDegraded, $"seed {seed}");
    }

    [Theory]
    [InlineData(2, 12)]
    [InlineData(3, 7)]
    [InlineData(5, 24)]
    public void Second_root_behind_a_cut_link_calls_nothing_absent_that_is_there(int seed, int nodes)
    {
        DhtCluster cluster = DhtCluster.Of(nodes, seed);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        cluster.Sever(near[0].Id, near[1].Id);
        cluster.Run(40);
        for (int at = 0, fresh = 0; fresh < 10; at++)
        {
            DhtClusterNode[] nearest = cluster.NearestTo(DhtKey.ForValue($"n{at}"));
            if (nearest[0] == near[0] && nearest[1] == near[1])
            {
                fresh++;
                PutReceipt receipt = cluster.Put($"n{at}", "value", near[0]).Receipt!;
                Assert.False(receipt.IsDegraded);
                GetResult got = cluster.Get($"n{at}", near[1], seconds: 1);
                Assert.NotEqual(GetOutcome.Absent, got.Outcome);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Writes_behind_a_cut_link_are_marked_and_win_or_lose_for_all(int seed)
    {
        DhtCluster cluster = DhtCluster.Of(12, seed);
        cluster.Put("tea", "old");
        cluster.Run(1);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        cluster.Sever(near[0].Id, near[1].Id);
        cluster.Run(5);
        PutReceipt receipt = cluster.Put("tea", "other side", near[1]).Receipt!;
        Assert.True(receipt.IsDegraded);
        Assert.True(receipt.Holders.Count >= 3);
        Assert.Equal("other side", Text(cluster.Get("tea", near[1])));
        Assert.False(cluster.Put("tea", "right side", near[0]).Receipt!.IsDegraded);
        cluster.Unsever();
        cluster.RunUntil(() => cluster.Alive.All(node => Text(cluster.Get("tea", node)) == "right side"));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void Half_of_a_network_acknowledges_unmarked_only_what_the_other_half_cannot(int seed)
    {
        const int Names = 60;
        DhtCluster cluster = DhtCluster.Of(12, seed);
        DhtClusterNode[] all = [.. cluster.Alive];
        DhtClusterNode[] left = [.. all.Where((_, at) => at % 2 == 0)];
        DhtClusterNode[] right = [.. all.Where((_, at) => at % 2 == 1)];
        for (int at = 0; at < Names; at++)
        {
            Assert.False(cluster.Put($"name {at}", "v", left[0]).Receipt!.IsDegraded);
        }

        cluster.Run(60);
        foreach (DhtClusterNode one in left)
        {
            foreach (DhtClusterNode other in right)
            {
                cluster.Sever(one.Id, other.Id);
            }
        }

        foreach (int seconds in (int[])[30, 700]) // members are given up after ten minutes
        {
            cluster.Run(seconds);
            int unmarked = 0;
            for (int at = 0; at < Names; at++)
            {
                bool isLeft = WriteIsUnmarked(cluster, at, $"left {seconds}", left[0]);
                bool isRight = WriteIsUnmarked(cluster, at, $"right {seconds}", right[0]);
                Assert.False(isLeft && isRight, $"name {at}, seed {seed}");
                unmarked += isLeft || isRight ? 1 : 0;
                if (isLeft || isRight)
                {
                    GetResult got = cluster.Get($"name {at}", isLeft ? right[0] : left[0], seconds: 1);
                    Assert.False(got is { Outcome: GetOutcome.Found, IsDegraded: false }, $"name {at}");
                    Assert.NotEqual(GetOutcome.Absent, got.Outcome);
                }
            }

            Assert.True(unmarked > Names / 2, $"{unmarked} of {Names} unmarked, seed {seed}");
        }
    }

    private static bool WriteIsUnmarked(DhtCluster cluster, int at, string value, DhtClusterNode via)
    {
        PutReceipt? receipt = cluster.Put($"name {at}", value, via).Receipt;
        Assert.True(receipt is not null, $"name {at} could not be written, seed {cluster.Seed}");
        return !receipt.IsDegraded;
    }

    /// <summary>
    /// What was acknowledged unmarked through one root, each unmarked read through the other one tells.
    /// </summary>
    private static void Exchange(DhtCluster cluster, DhtClusterNode[] near, string value)
    {
        PutReceipt? receipt = cluster.Put("tea", value, near[0]).Receipt;
        foreach (DhtClusterNode reader in near[..3])
        {
            GetResult got = cluster.Get("tea", reader, seconds: 1);
            Assert.NotEqual(GetOutcome.Absent, got.Outcome);
            if (receipt is { IsDegraded: false } && !got.IsDegraded && got.Outcome == GetOutcome.Found)
            {
                Assert.True(got.Version >= receipt.Version, $"{value} reads '{Text(got)}'");
            }
        }
    }

    private static string Text(GetResult got) => System.Text.Encoding.UTF8.GetString(got.Value.Span);
}
