using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>
/// No read is older than one that ended before it began, but for what an answer marks as degraded; and what
/// was read unmarked does not vanish with one node.
/// </summary>
public class ReadOrderTests
{
    private static readonly Key s_tea = DhtKey.ForValue("tea");

    [Theory]
    [InlineData(GetConsistency.Root)]
    [InlineData(GetConsistency.Quorum)]
    public void Version_that_only_the_root_holds_is_marked(GetConsistency consistency)
    {
        DhtCluster cluster = DhtCluster.Of(5);
        Assert.NotNull(cluster.Put("tea", "old").Receipt);
        cluster.Run(1);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        Array.ForEach(near[1..], other => cluster.Cut(near[0].Id, other.Id));
        Assert.Null(cluster.Put("tea", "new", near[0], InTwoSeconds).Receipt);
        GetResult got = cluster.Get(s_tea, near[0], consistency: consistency).Got!;
        Assert.True(got.IsDegraded || Text(got) == "old");

        // The same when it comes back with its disk and is the root again, and nobody can be given it.
        cluster.Heal();
        Array.ForEach(near[1..], other => other.WriteOutcome = StoreOutcome.OverQuota);
        cluster.Kill(near[0]);
        cluster.Run(1);
        cluster.Revive(near[0]);
        cluster.Run(5);
        got = cluster.Get(s_tea, near[0], consistency: consistency).Got!;
        Assert.True(got.IsDegraded || Text(got) == "old");
    }

    [Fact]
    public void Version_that_was_read_unmarked_after_its_put_had_failed_outlives_the_root()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        Assert.NotNull(cluster.Put("tea", "old").Receipt);
        cluster.Run(1);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        Array.ForEach(near[1..], other => cluster.Cut(near[0].Id, other.Id));
        Assert.Null(cluster.Put("tea", "new", near[0], InTwoSeconds).Receipt);
        cluster.Heal();
        GetResult got = cluster.Get("tea", near[0]);
        Assert.Equal(("new", false), (Text(got), got.IsDegraded));
        cluster.Kill(near[0]);
        cluster.Run(1);
        Assert.Equal("new", cluster.Value("tea", near[1]));
    }

    [Theory]
    [InlineData(GetConsistency.Root)]
    [InlineData(GetConsistency.Quorum)]
    public void Replicas_that_take_two_seconds_to_answer_are_waited_for(GetConsistency consistency)
    {
        DhtCluster cluster = DhtCluster.Of(5);
        Assert.NotNull(cluster.Put("tea", "green", with: put => put with { Replicas = 2 }).Receipt);
        cluster.Run(5);
        DhtClusterNode root = cluster.NearestTo(s_tea)[0];
        cluster.Slowness = 500;
        for (int at = 0; at < 10; at++)
        {
            GetResult got = cluster.Get(s_tea, root, consistency: consistency).Got!;
            Assert.Equal(("green", false), (Text(got), got.IsDegraded));
            cluster.Run(10);
        }
    }

    [Fact]
    public void Get_of_a_version_that_has_its_copies_takes_one_request()
    {
        DhtCluster cluster = DhtCluster.Of(8);
        DhtClusterNode root = cluster.RootOf(s_tea);
        DhtClusterNode client = cluster.Alive.First(node => node != root);
        for (int at = 0; at < 20; at++)
        {
            Assert.NotNull(cluster.Put("tea", $"{at}", client).Receipt);
            int before = root.Requests;
            Assert.Equal($"{at}", cluster.Value("tea", client));
            Assert.Equal(before, root.Requests);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Readers_of_a_hot_key_see_no_version_go_back(int isSlow)
    {
        for (int seed = 1; seed <= 20; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(6, seed);
            DhtClusterNode[] near = cluster.NearestTo(s_tea);
            near[0].WriteDelay = TimeSpan.FromMilliseconds(isSlow * 20);
            var newest = RecordVersion.None;
            int found = 0;
            for (int at = 0; at < 6; at++)
            {
                DhtClusterNode node = near[at];
                WriteAgain(cluster, node, $"{at}", 15);
                ReadAgain(node, at % 2 == 0 ? GetConsistency.Root : GetConsistency.Quorum, 100);
            }

            cluster.RunUntil(() => found == 600, 600);

            void ReadAgain(DhtClusterNode node, GetConsistency consistency, int left)
            {
                RecordVersion before = newest;
                node.Get(
                    new DhtGet
                    {
                        Key = s_tea,
                        Type = ValueRecordType.TypeName,
                        Timeout = TimeSpan.FromSeconds(30),
                        Consistency = consistency,
                    },
                    result =>
                    {
                        GetResult got = result.Got!;
                        if (!got.IsDegraded)
                        {
                            Assert.True(got.Version >= before, $"went back with {consistency}, seed {seed}");
                            newest = got.Version > newest ? got.Version : newest;
                        }

                        found++;
                        if (left > 1)
                        {
                            cluster.At(cluster.Latency(), () => ReadAgain(node, consistency, left - 1));
                        }
                    });
            }

            void WriteAgain(DhtCluster cluster, DhtClusterNode node, string text, int left) => node.Put(
                new DhtPut
                {
                    Key = s_tea,
                    Type = ValueRecordType.TypeName,
                    Value = System.Text.Encoding.UTF8.GetBytes(text),
                    Timeout = TimeSpan.FromSeconds(30),
                },
                result =>
                {
                    if (result.Receipt is { } receipt)
                    {
                        newest = receipt.Version > newest ? receipt.Version : newest;
                    }

                    if (left > 1)
                    {
                        cluster.At(cluster.Latency(), () => WriteAgain(cluster, node, text, left - 1));
                    }
                });
        }
    }

    private static DhtPut InTwoSeconds(DhtPut put) => put with { Timeout = TimeSpan.FromSeconds(2) };

    private static string Text(GetResult got) => System.Text.Encoding.UTF8.GetString(got.Value.Span);
}
