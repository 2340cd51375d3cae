using Igor.Kbr;
using Igor.Node.Disk;
using Igor.Testing;

namespace Igor.Node.Tests;

public sealed class PeerCacheTests
{
    [Fact]
    public void Members_come_back_in_the_next_run()
    {
        using var temporary = new TemporaryFolder();
        using DataFolder folder = DataFolder.Open(temporary.Path);
        PeerCache cache = PeerCache.Load(folder, new ListLogger());
        cache.Remember([Member(1, "a:1", "b:2"), Member(2, "[::1]:3"), Member(3, "no address"), Member(4)]);
        IReadOnlyList<KnownMember> members = PeerCache.Load(folder, new ListLogger()).Members;
        Assert.Equal([IdOf(1), IdOf(2)], members.Select(m => m.Id));
        Assert.Equal(["a:1", "b:2", "[::1]:3"], members.SelectMany(m => m.Addresses));
    }

    [Fact]
    public void Member_that_is_not_known_any_more_is_forgotten()
    {
        using var temporary = new TemporaryFolder();
        using DataFolder folder = DataFolder.Open(temporary.Path);
        PeerCache.Load(folder, new ListLogger()).Remember([Member(1, "a:1")]);
        PeerCache.Load(folder, new ListLogger()).Remember([]);
        Assert.Empty(PeerCache.Load(folder, new ListLogger()).Members);
    }

    [Fact]
    public void No_more_are_kept_than_the_bound()
    {
        using var temporary = new TemporaryFolder();
        using DataFolder folder = DataFolder.Open(temporary.Path);
        PeerCache cache = PeerCache.Load(folder, new ListLogger());
        cache.Remember(Enumerable.Range(1, 2 * PeerCache.MembersMax).Select(i => Member(i, $"host:{i}")));
        Assert.Equal(PeerCache.MembersMax, PeerCache.Load(folder, new ListLogger()).Members.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("something else\na:1\n")]
    [InlineData("igor-peers 2\nno member\n")]
    [InlineData("igor-peers 2\n0000000000000000000000000000000000000000000000000000000000000001\n")]
    public void Damaged_file_is_ignored_with_a_line_in_the_log(string content)
    {
        using var temporary = new TemporaryFolder();
        using DataFolder folder = DataFolder.Open(temporary.Path);
        File.WriteAllText(folder.Combine("peers"), content);
        var log = new ListLogger();
        Assert.Empty(PeerCache.Load(folder, log).Members);
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
        cache.Remember([Member(1, "a:1")]);
        Assert.True(log.Has("cannot be written"));
    }

    private static KnownMember Member(int number, params string[] addresses) =>
        new(IdOf(number), [.. addresses]);

    private static Key IdOf(int number) => new(0, 0, 0, (ulong)number);
}
