using System.Globalization;

namespace Igor.Dht.Protocol.Tests;

/// <summary>
/// Random deaths, returns and newcomers while records are written; judged by what was acknowledged.
/// </summary>
public class ChurnTests
{
    private const int NamesCount = 40;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Acknowledged_write_is_never_missing_or_undone(int seed)
    {
        var random = new Random(seed);
        DhtCluster cluster = DhtCluster.Of(6 + random.Next(4), seed);
        var dead = new List<DhtClusterNode>();
        int[] acknowledged = new int[NamesCount];
        int counter = 0;
        for (int step = 0; step < 120; step++)
        {
            Disturb(cluster, dead, random);
            cluster.Run(random.NextDouble() * 0.2);
            for (int put = 0; put < 5; put++)
            {
                int name = random.Next(NamesCount);
                if (cluster.Put(
                    $"name {name}", (++counter).ToString(CultureInfo.InvariantCulture), Any(cluster, random))
                    .Receipt is not null)
                {
                    acknowledged[name] = counter;
                }
            }

            int read = random.Next(NamesCount);
            Check(cluster, read, acknowledged[read], counter, Any(cluster, random));
        }

        cluster.Run(5);
        for (int name = 0; name < NamesCount; name++)
        {
            Check(cluster, name, acknowledged[name], counter, Any(cluster, random));
        }
    }

    private static void Disturb(DhtCluster cluster, List<DhtClusterNode> dead, Random random)
    {
        switch (random.Next(10))
        {
            case < 2 when dead.Count < 2:
                DhtClusterNode victim = Any(cluster, random);
                cluster.Kill(victim);
                dead.Add(victim);
                break;
            case < 5 when dead.Count > 0:
                cluster.Revive(dead[0]);
                dead.RemoveAt(0);
                break;
            case 5 when cluster.Alive.Count() < 16:
                cluster.Add();
                break;
            case 6:
                cluster.Run(3);
                break;
        }
    }

    private static void Check(DhtCluster cluster, int name, int acknowledged, int written, DhtClusterNode via)
    {
        if (acknowledged == 0)
        {
            return;
        }

        GetResult got = cluster.Get($"name {name}", via);
        string what =
            $"name {name}, acknowledged {acknowledged}: {got.Outcome} (seed {cluster.Seed}, {cluster.Now})";
        Assert.True(got.Outcome == GetOutcome.Found, what);
        int value = int.Parse(
            System.Text.Encoding.UTF8.GetString(got.Value.Span), CultureInfo.InvariantCulture);
        Assert.True(value <= written && (value >= acknowledged || got.IsDegraded), $"{what} {value}");
    }

    private static DhtClusterNode Any(DhtCluster cluster, Random random) =>
        cluster.Alive.ElementAt(random.Next(cluster.Alive.Count()));
}
