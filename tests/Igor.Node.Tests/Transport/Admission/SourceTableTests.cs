using System.Net;
using Igor.Node.Addresses;
using Igor.Node.Transport.Admission;

namespace Igor.Node.Tests;

public class SourceTableTests
{
    private static readonly IPAddress Many = IPAddress.Parse("10.0.0.1");
    private static readonly IPAddress Few = IPAddress.Parse("10.0.0.2");

    private readonly SourceTable<string> _table = new();

    [Fact]
    public void The_oldest_of_the_source_with_most_gives_way()
    {
        _table.Add(Few, "few");
        _table.Add(Many, "first");
        _table.Add(Many, "second");
        Assert.True(_table.TryEvict(out string? evicted));
        Assert.Equal("first", evicted);
        Assert.Equal(2, _table.Count);
    }

    [Fact]
    public void Sources_take_turns_and_each_sends_its_newest_when_none_is_fresh()
    {
        for (int i = 0; i < 3; i++)
        {
            _table.Add(Many, $"many{i}");
        }

        _table.Add(Few, "few");
        Assert.Equal(["many2", "few", "many1", "many0"], TakeAll(_ => false));
        Assert.Equal(0, _table.Count);
    }

    [Fact]
    public void Of_those_that_are_fresh_newest_and_oldest_take_turns()
    {
        foreach (string item in (string[])["old0", "old1", "new0", "new1", "new2"])
        {
            _table.Add(Many, item);
        }

        Assert.Equal(["new2", "new0", "new1", "old1", "old0"], TakeAll(item => item.StartsWith('n')));
    }

    /// <summary>
    /// In a flood each that is closed comes again at once, and each that is served closes another. Whoever
    /// comes between must not be left below them.
    /// </summary>
    [Fact]
    public void Who_comes_in_a_flood_has_its_turn_before_those_that_come_again()
    {
        for (int i = 0; i < 1000; i++)
        {
            _table.Add(Many, $"old{i}");
        }

        _table.Add(Many, "newcomer");
        int turns = 0;
        string? served = null;
        for (; turns < 10 && served != "newcomer"; turns++)
        {
            _table.Add(Many, $"again{turns}");
            Assert.True(_table.TryTakeNext(item => !item.StartsWith('o'), out served));
        }

        Assert.Equal(2, turns);
    }

    [Fact]
    public void What_was_removed_comes_no_more()
    {
        _table.Add(Many, "gone");
        _table.Add(Many, "there");
        Assert.True(_table.Remove(Many, "gone"));
        Assert.False(_table.Remove(Many, "gone"));
        Assert.Equal(["there"], TakeAll(_ => false));
        Assert.False(_table.TryEvict(out _));
    }

    [Theory]
    [InlineData("10.1.2.3", "10.1.2.3")]
    [InlineData("::ffff:10.1.2.3", "10.1.2.3")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    [InlineData("::1", "::1")]
    public void A_source_is_an_address_or_a_whole_site(string address, string source) =>
        Assert.Equal(IPAddress.Parse(source), SourceAddress.Of(IPAddress.Parse(address)));

    private List<string> TakeAll(Predicate<string> isFresh)
    {
        var taken = new List<string>();
        while (_table.TryTakeNext(isFresh, out string? next))
        {
            taken.Add(next);
        }

        return taken;
    }
}
