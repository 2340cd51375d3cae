using System.IO.Compression;
using Igor.Simulation.Checks;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests;

public class LatencyTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Synthetic_model_has_the_quantiles_of_measured_round_trips(ulong seed)
    {
        SiteLatency latency = SyntheticLatency.Create(new SimRandom(seed));
        var all = new List<double>();
        for (int i = 0; i < latency.Sites; i++)
        {
            for (int j = 0; j < i; j++)
            {
                all.Add(latency.RoundTripMs(i, j));
                Assert.Equal(latency.RoundTripMs(i, j), latency.RoundTripMs(j, i));
            }
        }

        Assert.InRange(LookupStatistics.Quantile(all, 0.1), 31, 32.5);
        Assert.InRange(LookupStatistics.Quantile(all, 0.5), 134, 136);
        Assert.InRange(LookupStatistics.Quantile(all, 0.9), 289, 292);
        Assert.InRange(all[^1], 2900, 3000);
    }

    [Fact]
    public void Hosts_at_one_site_are_near_but_not_at_the_same_point()
    {
        var latency = new SiteLatency("one site", [[0]]);
        var random = new SimRandom(1);
        latency.Place(0, random);
        latency.Place(1, random);
        Assert.InRange(latency.OneWay(0, 1).TotalMilliseconds, 1, 10);
        Assert.Equal(latency.OneWay(0, 1), latency.OneWay(1, 0));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Matrix_file_is_read_with_or_without_compression(bool isCompressed)
    {
        string path = Path.GetTempFileName();
        try
        {
            Write(path, "0\t10.5\n10.5\t0\n", isCompressed);
            SiteLatency latency = LatencyMatrixFile.Read(path);
            Assert.Equal(2, latency.Sites);
            Assert.Equal(10.5, latency.RoundTripMs(0, 1));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("0 1\n1 0\n2 2\n")]
    [InlineData("0 1\n1\n")]
    [InlineData("0 x\n1 0\n")]
    [InlineData("0 -1\n1 0\n")]
    public void Matrix_file_that_is_none_is_refused_with_the_reason(string text)
    {
        string path = Path.GetTempFileName();
        try
        {
            Write(path, text, isCompressed: false);
            InvalidDataException e = Assert.Throws<InvalidDataException>(() => LatencyMatrixFile.Read(path));
            Assert.Contains(path, e.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void Write(string path, string text, bool isCompressed)
    {
        using FileStream file = File.Create(path);
        using Stream stream = isCompressed ? new GZipStream(file, CompressionLevel.Fastest) : file;
        stream.Write(System.Text.Encoding.ASCII.GetBytes(text));
    }
}
