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
    public void Sources_take_turns_and_each_sends_its_newest()
    {
        for (int i = 0; i < 3; i++)
        {
            _table.Add(Many, $"many{i}");
        }

        _table.Add(Few, "few");
        Assert.Equal(["many2", "few", "many1", "many0"], TakeAll());
        Assert.Equal(0, _table.Count);
    }

    [Fact]
    public void What_was_removed_comes_no_more()
    {
        _table.Add(Many, "gone");
        _table.Add(Many, "there");
        Assert.True(_table.Remove(Many, "gone"));
        Assert.False(_table.Remove(Many, "gone"));
        Assert.Equal(["there"], TakeAll());
        Assert.False(_table.TryEvict(out _));
    }

    [Theory]
    [InlineData("10.1.2.3", "10.1.2.3")]
    [InlineData("::ffff:10.1.2.3", "10.1.2.3")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    [InlineData("::1", "::1")]
    public void A_source_is_an_address_or_a_whole_site(string address, string source) =>
        Assert.Equal(IPAddress.Parse(source), SourceAddress.Of(IPAddress.Parse(address)));

    private List<string> TakeAll()
    {
        var taken = new List<string>();
        while (_table.TryTakeNext(out string? next))
        {
            taken.Add(next);
        }

        return taken;
    }
}
