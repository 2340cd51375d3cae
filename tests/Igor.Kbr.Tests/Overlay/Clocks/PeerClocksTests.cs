using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Tests.Overlay.Clocks;

public class PeerClocksTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Noticing = TimeSpan.FromSeconds(15);

    private readonly TestNetwork _network = new();

    public static TheoryData<double> Skews => [1, -1, 3650, -20_000, 20.0 / 86_400, -600.0 / 86_400];

    [Theory]
    [MemberData(nameof(Skews))]
    public void Node_of_five_that_starts_with_a_wrong_clock_goes_by_the_others(double days)
    {
        List<TestNode> nodes = Ring(5, TimeSpan.FromDays(days));
        Assert.All(nodes, IsRight);
        Assert.All(nodes, node => Assert.True(node.Overlay.Clock.IsTrusted));
        _network.Run(Noticing);
        AssertNamed(nodes, nodes[2]);
    }

    [Theory]
    [MemberData(nameof(Skews))]
    public void Clock_that_jumps_and_is_repaired_moves_no_time(double days)
    {
        List<TestNode> nodes = Ring(5, TimeSpan.Zero);
        Assert.All(nodes, node => Assert.Empty(node.Overlay.ClockTroubles));
        foreach (double skew in new[] { days, 0, -days, days * 2, 0 })
        {
            nodes[2].ClockSkew = TimeSpan.FromDays(skew);
            for (int second = 0; second < 40; second++)
            {
                _network.Run(TimeSpan.FromSeconds(1));
                Assert.All(nodes, IsRight);
            }

            if (skew != 0)
            {
                AssertNamed(nodes, nodes[2]);
            }
        }

        Assert.All(nodes, node => Assert.Empty(node.Overlay.ClockTroubles));
    }

    [Fact]
    public void Wrong_clock_of_three_goes_by_the_two_that_agree()
    {
        List<TestNode> nodes = Ring(3, Day);
        Assert.All(nodes, IsRight);
        _network.Run(Noticing);
        AssertNamed(nodes, nodes[2]);
    }

    [Fact]
    public void Two_clocks_that_differ_are_named_on_both_sides_and_hold_each_for_its_own()
    {
        List<TestNode> nodes = Ring(2, Day, wrong: 1);
        _network.Run(Noticing);
        IsRight(nodes[0]);
        Assert.Equal(Day, nodes[1].TimeError);
        string[] texts = [.. nodes.Select(node => Assert.Single(node.Overlay.ClockTroubles))];
        Assert.Contains("1 d ahead of", texts[0], StringComparison.Ordinal);
        Assert.Contains("1 d behind", texts[1], StringComparison.Ordinal);
        Assert.All(nodes, node => Assert.False(node.Overlay.Clock.IsTrusted));

        nodes[1].ClockSkew = TimeSpan.Zero;
        _network.Run(Noticing);
        Assert.All(nodes, node => Assert.Empty(node.Overlay.ClockTroubles));
        Assert.All(nodes, node => Assert.True(node.Overlay.Clock.IsTrusted));
    }

    [Fact]
    public void Clocks_that_differ_by_a_second_or_two_are_no_trouble()
    {
        List<TestNode> nodes = Ring(4, TimeSpan.FromSeconds(3));
        _network.Run(Noticing);
        Assert.All(nodes, node => Assert.Empty(node.Overlay.ClockTroubles));
        Assert.All(nodes, node => Assert.InRange(node.TimeError, -Slack, Slack));
    }

    [Fact]
    public void Deviation_is_reported_once_in_a_while()
    {
        List<TestNode> nodes = Ring(5, Day);
        _network.Run(TimeSpan.FromMinutes(9));
        Assert.All(nodes, node => Assert.Single(Reports(node)));
        Assert.All(nodes, node => Assert.Equal(nodes[2].Id, Reports(node)[0].Peer));
        _network.Run(TimeSpan.FromMinutes(10));
        Assert.All(nodes, node => Assert.Equal(2, Reports(node).Count));
    }

    [Fact]
    public void Strangers_have_no_vote()
    {
        TestNode alone = _network.Add(Id(0));
        var strangers = Enumerable.Range(1, 8)
            .Select(at => _network.Add(
                Id(at), options => options with { JoinsRing = false }, alone, clockSkew: Day))
            .ToList();
        _network.Until(() => strangers.TrueForAll(stranger => stranger.OpenLinks > 0));
        _network.Run(TimeSpan.FromMinutes(1));
        IsRight(alone);
        Assert.Empty(alone.Overlay.ClockTroubles);
    }

    [Fact]
    public void Client_with_a_wrong_clock_goes_by_the_members_it_reaches()
    {
        List<TestNode> nodes = Ring(5, TimeSpan.Zero);
        TestNode client = _network.Add(
            Id(9),
            options => options with
            {
                JoinsRing = false,
                Bootstrap = [.. nodes.Take(3).Select(node => node.Address)],
            },
            clockSkew: -Day);
        _network.Until(() => client.OpenLinks >= 3);
        _network.Run(TimeSpan.FromMilliseconds(100));
        IsRight(client);
    }

    [Fact]
    public void Learned_time_outlives_the_peers_until_the_clock_is_set()
    {
        List<TestNode> nodes = Ring(5, Day);
        _network.Run(Noticing);
        nodes.Where(node => node != nodes[2]).ToList().ForEach(node => node.Kill());
        _network.Run(TimeSpan.FromHours(2));
        IsRight(nodes[2]);
        Assert.NotEmpty(nodes[2].Overlay.ClockTroubles);

        nodes[2].ClockSkew = TimeSpan.FromSeconds(-30); // set by hand, better than any memory
        _network.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(-30), nodes[2].TimeError);
        Assert.False(nodes[2].Overlay.Clock.IsTrusted);
    }

    [Fact]
    public void Lone_clock_is_trusted_when_nothing_spoke_against_it_for_an_hour()
    {
        TestNode alone = _network.Add(Id(0), clockSkew: Day);
        _network.Run(TimeSpan.FromMinutes(50));
        Assert.False(alone.Overlay.Clock.IsTrusted);
        alone.ClockSkew = 2 * Day;
        _network.Run(TimeSpan.FromMinutes(50));
        Assert.False(alone.Overlay.Clock.IsTrusted);
        _network.Run(TimeSpan.FromMinutes(20));
        Assert.True(alone.Overlay.Clock.IsTrusted);
    }

    [Fact]
    public void Peer_that_stands_still_for_a_while_is_not_taken_for_slow()
    {
        List<TestNode> nodes = Ring(4, TimeSpan.Zero);
        _network.Loses = (_, to, _) => to == nodes[2];
        _network.Run(TimeSpan.FromSeconds(4));
        _network.Loses = null;
        _network.Run(Noticing);
        Assert.All(nodes, IsRight);
        Assert.All(nodes, node => Assert.Empty(Reports(node)));
    }

    private static Key Id(int at) => Key.HashOf([(byte)at]);

    private static void IsRight(TestNode node) => Assert.InRange(node.TimeError, -Slack, Slack);

    private static List<OverlayEvent> Reports(TestNode node) =>
        [.. node.Events.Where(raised => raised.Kind == OverlayEventKind.ClockDeviates)];

    private static void AssertNamed(List<TestNode> nodes, TestNode wrong)
    {
        foreach (TestNode node in nodes)
        {
            string text = Assert.Single(node.Overlay.ClockTroubles);
            string name = node == wrong ? "This host's clock" : wrong.Id.ToShortString();
            Assert.Contains(name, text, StringComparison.Ordinal);
            string way = wrong.ClockSkew > TimeSpan.Zero ? "ahead of" : "behind";
            Assert.Contains(way, text, StringComparison.Ordinal);
            Assert.Contains("timedatectl", text, StringComparison.Ordinal);
            Assert.NotEmpty(Reports(node));
        }
    }

    /// <summary>A ring in which one host's clock, the third's unless said otherwise, is off.</summary>
    private List<TestNode> Ring(int count, TimeSpan skew, int wrong = 2)
    {
        var nodes = new List<TestNode>();
        for (int at = 0; at < count; at++)
        {
            nodes.Add(_network.Add(
                Id(at), through: nodes.FirstOrDefault(), clockSkew: at == wrong ? skew : default));
            _network.Until(() => nodes[^1].Overlay.IsJoined);
        }

        _network.Until(() => nodes.TrueForAll(
            node => node.Overlay.Neighbours(ServiceId.Base).Others.Count() == count - 1));
        _network.Run(TimeSpan.FromSeconds(1));
        return nodes;
    }
}
