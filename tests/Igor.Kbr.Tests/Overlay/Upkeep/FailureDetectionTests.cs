using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Tests.Wire.Messages;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Upkeep;

public class FailureDetectionTests
{
    [Theory]
    [InlineData(1, 10)]
    [InlineData(2, 13)]
    [InlineData(7, 25)] // of 24 seeds one takes 22 s, the others at most 17
    public void Silent_deaths_side_by_side_are_known_within_seconds(int dead, int seconds)
    {
        for (ulong seed = 1; seed <= 4; seed++)
        {
            (TestNetwork network, TestNode[] line) = Ring(40, seed);
            foreach (TestNode node in line[10..(10 + dead)])
            {
                node.Kill(silently: true);
            }

            network.Run(TimeSpan.FromSeconds(seconds));
            AssertTrueRing(line, $"seed {seed}");
        }
    }

    [Fact]
    public void Probe_that_others_ask_for_leaves_time_for_an_answer_or_the_setting_is_refused()
    {
        var options = new OverlayOptions { ProbeTimeout = TimeSpan.FromSeconds(1.4) };
        Assert.Throws<ArgumentException>(() => new LoneNode(default, options));
    }

    [Fact]
    public void Word_of_a_peer_removes_nobody_who_answers()
    {
        (TestNetwork network, TestNode[] line) = Ring(20, seed: 5);
        TestNode slandered = line[3];
        int lost = Lost(line);
        byte[] slander = MessageBytes.Of(new QuietPeerMessage(slandered.Id));
        for (int i = 0; i < 20; i++)
        {
            foreach (TestNode node in line[4..9])
            {
                line[2].SayTo(node, slander);
            }

            network.Run(TimeSpan.FromSeconds(3));
        }

        Assert.Equal(lost, Lost(line));
    }

    [Fact]
    public void Stranger_is_not_asked_on_the_word_of_another()
    {
        var node = new LoneNode(new Key(0, 0, 0, 100), new OverlayOptions { NeighboursPerSide = 1 });
        LinkId[] links =
        [
            .. new ulong[] { 101, 99, 5000, 7000 }.Select(id => node.Connect(new Key(0, 0, 0, id))),
        ];
        node.Run(TimeSpan.FromSeconds(5));
        int before = links.Sum(link => node.Frames(link, MessageType.Ping).Count);
        node.Say(links[2], new QuietPeerMessage(new Key(0, 0, 0, 7000)));
        Assert.Equal(before, links.Sum(link => node.Frames(link, MessageType.Ping).Count));
    }

    [Fact]
    public void Newcomer_that_complains_without_end_leaves_introductions_to_the_others()
    {
        var node = new LoneNode(new Key(0, 0, 0, 100));
        var neighbour = new Key(0, 0, 0, 101);
        LinkId link = node.Connect(neighbour);
        LinkId[] newcomers = [.. new ulong[] { 102, 103 }.Select(id => node.Open(new Key(0, 0, 0, id)))];
        Array.ForEach(newcomers, newcomer => node.Greet(newcomer, new HelloMessage
        {
            Network = "igor",
            Instance = 1,
            Addresses = ["10.9.9.9:7"],
            ServicesVersion = 1,
            Services = [],
        }));
        node.Sent.Clear();
        for (int i = 0; i < 40; i++)
        {
            node.Say(newcomers[0], new QuietPeerMessage(neighbour));
        }

        node.Say(newcomers[1], new QuietPeerMessage(neighbour));
        Assert.Equal(
            [new Key(0, 0, 0, 102), new Key(0, 0, 0, 102), new Key(0, 0, 0, 103)],
            node.Messages<NeighboursMessage>(link).Select(m => m.Contacts[0].Id));
    }

    [Fact]
    public void Who_becomes_a_neighbour_after_a_silence_is_asked_at_once()
    {
        var node = new LoneNode(new Key(0, 0, 0, 100), new OverlayOptions { NeighboursPerSide = 2 });
        node.Join("tea");
        LinkId near = node.Connect(new Key(0, 0, 0, 101), "tea");
        node.Connect(new Key(0, 0, 0, 102), "tea");
        LinkId behind = node.Connect(new Key(0, 0, 0, 105), "tea");
        node.Connect(new Key(0, 0, 0, 99), "tea");
        node.Connect(new Key(0, 0, 0, 98), "tea");
        node.Run(TimeSpan.FromSeconds(5));
        node.Quiet.Add(behind);
        node.Run(TimeSpan.FromSeconds(9));
        int before = node.Frames(behind, MessageType.Ping).Count;
        node.Disconnect(near);
        Assert.Contains(new Key(0, 0, 0, 105), node.Overlay.Neighbours(ServiceId.FromName("tea")).Others);
        node.Run(TimeSpan.FromSeconds(1));
        Assert.InRange(node.Frames(behind, MessageType.Ping).Count, before + 1, before + 2);
    }

    [Fact]
    public void Death_in_many_rings_is_told_to_all_who_have_the_node_as_neighbour_in_any()
    {
        const int Rings = 12;
        Key self = new(1UL << 63, 0, 0, 0);
        var node = new LoneNode(self);
        string[] services = [.. Enumerable.Range(0, Rings).Select(i => $"s{i}")];
        foreach (string service in services)
        {
            node.Join(service);
        }

        // In each ring the dead one, and four more on each side that are in no other one.
        var links = new List<LinkId>();
        LinkId dead = node.Connect(self + Key.PowerOfTwo(100), services);
        for (int i = 0; i < Rings * 8; i++)
        {
            Key distance = Key.PowerOfTwo(200 + (i % 4)) + new Key(0, 0, 0, (ulong)i);
            links.Add(node.Connect(i % 8 < 4 ? self + distance : self - distance, services[i / 8]));
        }

        node.Quiet.Add(dead);
        int told = 0;
        for (int i = 0; i < 100; i++)
        {
            node.Run(TimeSpan.FromMilliseconds(100));
            int now = links.Sum(link => node.Frames(link, MessageType.QuietPeer).Count);
            Assert.InRange(now - told, 0, 32);
            told = now;
        }

        Assert.All(links, link => Assert.NotEmpty(node.Frames(link, MessageType.QuietPeer)));
    }

    private static int Lost(TestNode[] line) => line.Sum(
        n => n.Events.Count(e => e.Kind == OverlayEventKind.PeerLost && e.Text.EndsWith("Failed")));

    private static (TestNetwork Network, TestNode[] Line) Ring(int count, ulong seed)
    {
        var network = new TestNetwork();
        var random = new SeededRandom(seed);
        TestNode first = network.Add(random.NextKey());
        for (int i = 1; i < count; i++)
        {
            network.Add(random.NextKey(), through: first);
        }

        network.Run(TimeSpan.FromSeconds(30) + (TimeSpan.FromSeconds(5) * random.NextDouble()));
        return (network, [.. network.Nodes.OrderBy(n => n.Id)]);
    }

    private static void AssertTrueRing(TestNode[] line, string seed)
    {
        TestNode[] alive = [.. line.Where(n => n.IsAlive)];
        foreach (TestNode node in alive)
        {
            Key[] clockwise = [.. alive.Where(n => n != node).Select(n => n.Id).OrderBy(id => id - node.Id)];
            NeighbourSet set = node.Overlay.Neighbours(ServiceId.Base);
            Assert.True(
                clockwise.Take(8).SequenceEqual(set.Clockwise)
                    && clockwise.Reverse().Take(8).SequenceEqual(set.CounterClockwise),
                $"{seed}: the set of {node.Id.ToShortString()} is wrong");
        }
    }
}
