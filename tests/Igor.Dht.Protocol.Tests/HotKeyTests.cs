using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Xunit.Abstractions;

namespace Igor.Dht.Protocol.Tests;

/// <summary>Many who write one key.</summary>
public class HotKeyTests(ITestOutputHelper output)
{
    private static readonly Key s_tea = DhtKey.ForValue("tea");

    /// <summary>
    /// All write without a pause, some with a clock that is seconds behind. A put fails for nobody's speed,
    /// and each gets its share.
    /// </summary>
    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    public void Writers_of_one_key_take_turns(int writers)
    {
        for (int seed = 1; seed <= 2; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(writers, seed);
            DhtClusterNode[] near = cluster.NearestTo(s_tea);
            int[] done = new int[writers];
            for (int at = 0; at < writers; at++)
            {
                near[at].ClockOffsetMs = at % 4 == 1 ? -4000 : at % 4 == 2 ? 3000 : 0;
                WriteAgain(cluster, near[at], at, done, cluster.Now + TimeSpan.FromSeconds(10));
            }

            cluster.Run(20);
            output.WriteLine($"{writers} writers: {done.Min()} to {done.Max()} puts in 10 s");
            Assert.True(done.Min() * 3 >= done.Max(), $"{done.Min()} and {done.Max()} puts, seed {seed}");
            Assert.InRange(done.Min(), 20, int.MaxValue);
        }
    }

    private static void WriteAgain(
        DhtCluster cluster, DhtClusterNode node, int writer, int[] done, TimeSpan end) => node.Put(
        new DhtPut
        {
            Key = s_tea,
            Type = ValueRecordType.TypeName,
            Value = new byte[20],
            Timeout = TimeSpan.FromSeconds(10),
        },
        result =>
        {
            Assert.True(result.Receipt is not null, $"{result.Failure?.Message} (seed {cluster.Seed})");
            done[writer]++;
            if (cluster.Now < end)
            {
                cluster.At(cluster.Latency(), () => WriteAgain(cluster, node, writer, done, end));
            }
        });
}
