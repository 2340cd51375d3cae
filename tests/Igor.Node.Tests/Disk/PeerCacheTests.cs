namespace Igor.Node.Tests;

public sealed class PeerCacheTests
{
    [Fact]
    public void Addresses_come_back_in_the_next_run_newest_first()
    {
        using var temporary = new TemporaryFolder();
        using DataFolder folder = DataFolder.Open(temporary.Path);
        PeerCache cache = PeerCache.Load(folder, new ListLogger());
        cache.Remember(["a:1", "b:2"]);
        cache.Remember(["c:3", "a:1", "no address"]);
        Assert.Equal(["c:3", "a:1", "b:2"], PeerCache.Load(folder, new ListLogger()).Addresses);
    }

    [Fact]
    public void More_addresses_than_the_bound_push_out_the_oldest()
    {
        using var temporary = new TemporaryFolder();
        using DataFolder folder = DataFolder.Open(temporary.Path);
        PeerCache cache = PeerCache.Load(folder, new ListLogger());
        cache.Remember(["old:1"]);
        cache.Remember(Enumerable.Range(1, PeerCache.AddressesMax).Select(port => $"host:{port}"));
        Assert.Equal(PeerCache.AddressesMax, cache.Addresses.Count);
        Assert.DoesNotContain("old:1", cache.Addresses);
    }

    [Theory]
    [InlineData("")]
    [InlineData("something else\na:1\n")]
    [InlineData("igor-peers 1\nno address\n")]
    public void Damaged_file_is_ignored_with_a_line_in_the_log(string content)
    {
        using var temporary = new TemporaryFolder();
        using DataFolder folder = DataFolder.Open(temporary.Path);
        File.WriteAllText(folder.Combine("peers"), content);
        var log = new ListLogger();
        Assert.Empty(PeerCache.Load(folder, log).Addresses);
        Assert.True(log.Has(folder.Combine("peers")));
    }

    [Fact]
    public void File_that_cannot_be_written_costs_a_line_in_the_log_only()
    {
        using var temporary = new TemporaryFolder();
        using DataFolder folder = DataFolder.Open(temporary.Path);
        var log = new ListLogger();
        PeerCache cache = PeerCache.Load(folder, log);
        Directory.CreateDirectory(folder.Combine("peers"));
        cache.Remember(["a:1"]);
        Assert.True(log.Has("cannot be written"));
    }
}
