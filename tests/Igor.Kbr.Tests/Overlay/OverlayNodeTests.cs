using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay;

public class OverlayNodeTests
{
    private const string Service = "test";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(40)]
    public void Requests_in_a_ring_of_any_size_are_answered_by_the_true_root(int count)
    {
        TestNetwork network = Ring(count, out _);
        var random = new SeededRandom(7);
        for (int i = 0; i < 50; i++)
        {
            Key key = random.NextKey();
            TestNode origin = network.Nodes[random.Next(count)];
            RequestId request = origin.Request(Service, key, [1, 2, 3]);
            network.Until(() => origin.Replies.ContainsKey(request));
            var reply = origin.Replies[request];
            Assert.Equal(KbrStatus.Ok, reply.Status);
            Assert.Equal(Root(network, key).Id, reply.Responder);
            Assert.Equal([1, 2, 3], reply.Payload[Key.SizeInBytes..]);
        }
    }

    [Fact]
    public void Neighbour_sets_are_those_of_the_true_ring()
    {
        TestNetwork network = Ring(40, out _);
        network.Run(TimeSpan.FromSeconds(30));
        AssertTrueRing(network);
    }

    [Fact]
    public void Half_of_a_ring_dies_at_once_and_the_rest_heals()
    {
        TestNetwork network = Ring(40, out SeededRandom random);
        network.Run(TimeSpan.FromSeconds(30));
        foreach (TestNode node in network.Nodes.OrderBy(_ => random.NextUInt64()).Take(20).ToArray())
        {
            node.Kill();
        }

        network.Run(TimeSpan.FromSeconds(30));
        AssertTrueRing(network);
    }

    [Fact]
    public void Request_whose_replies_are_lost_is_delivered_again_under_one_id()
    {
        TestNetwork network = Ring(8, out _);
        network.Run(TimeSpan.FromSeconds(20));
        TestNode root = network.Nodes[5];
        TestNode origin = network.Nodes[6];
        int lost = 0;
        network.Loses = (_, to, body) =>
            to == origin && body[1] == (byte)MessageType.Reply && body[11] == 0 && lost++ < 3;
        RequestId request = origin.Request(Service, root.Id, [9], timeoutSeconds: 30);
        RequestId other = origin.Request(Service, root.Id, [8], timeoutSeconds: 30);
        network.Until(() => origin.Replies.ContainsKey(request) && origin.Replies.ContainsKey(other));
        Assert.Equal(KbrStatus.Ok, origin.Replies[request].Status);
        KbrDelivery[] first = [.. root.Deliveries.Where(one => one.Payload.Span[0] == 9)];
        KbrDelivery[] second = [.. root.Deliveries.Where(one => one.Payload.Span[0] == 8)];
        Assert.True(first.Length + second.Length > 2, $"{first.Length} and {second.Length} deliveries");
        KbrRequestId id = Assert.Single(first.Select(one => one.RequestId).Distinct());
        Assert.Equal(origin.Id, id.Origin);
        Assert.NotEqual(id, Assert.Single(second.Select(one => one.RequestId).Distinct()));
    }

    [Fact]
    public void A_silent_death_is_noticed_and_routed_around()
    {
        TestNetwork network = Ring(12, out _);
        network.Run(TimeSpan.FromSeconds(20));
        TestNode victim = network.Nodes[5];
        TestNode origin = network.Nodes[6];
        victim.Kill(silently: true);
        RequestId request = origin.Request(Service, victim.Id, [9], timeoutSeconds: 30);
        network.Until(() => origin.Replies.ContainsKey(request));
        Assert.Equal(KbrStatus.Ok, origin.Replies[request].Status);
        Assert.NotEqual(victim.Id, origin.Replies[request].Responder);
    }

    [Fact]
    public void A_graceful_leave_is_told_as_such()
    {
        TestNetwork network = Ring(5, out _);
        TestNode leaver = network.Nodes[2];
        leaver.Do(o => o.Leave(network.Now));
        network.Run(TimeSpan.FromSeconds(1));
        Assert.Contains(
            network.Nodes[0].Changes.SelectMany(c => c.Departed),
            d => d == new Departure(leaver.Id, DepartureReason.Left));
    }

    [Fact]
    public void Two_rings_that_formed_apart_merge_when_one_node_of_each_meet()
    {
        var network = new TestNetwork();
        var random = new SeededRandom(3);
        for (int ring = 0; ring < 2; ring++)
        {
            TestNode first = network.Add(random.NextKey());
            first.Join(Service);
            for (int i = 1; i < 15; i++)
            {
                network.Add(random.NextKey(), through: first).Join(Service);
            }
        }

        network.Run(TimeSpan.FromSeconds(30));
        TestNode bridge = network.Add(
            random.NextKey(),
            o => o with { Bootstrap = [network.Nodes[0].Address, network.Nodes[15].Address] });
        bridge.Join(Service);
        network.Run(TimeSpan.FromSeconds(180));
        AssertTrueRing(network);
    }

    [Fact]
    public void A_partition_heals_into_one_ring()
    {
        TestNetwork network = Ring(12, out _);
        network.Run(TimeSpan.FromSeconds(20));
        foreach (TestNode a in network.Nodes.Take(6))
        {
            foreach (TestNode b in network.Nodes.Skip(6))
            {
                network.Cut.Add((a, b));
            }
        }

        network.Run(TimeSpan.FromSeconds(60));
        Assert.Equal(5, network.Nodes[0].Overlay.Neighbours(ServiceId.FromName(Service)).Count);
        network.Cut.Clear();
        network.Run(TimeSpan.FromSeconds(120));
        AssertTrueRing(network);
    }

    [Fact]
    public void An_exact_request_finds_its_node_or_says_that_there_is_none()
    {
        TestNetwork network = Ring(6, out SeededRandom random);
        TestNode origin = network.Nodes[1];
        RequestId there = origin.Request(Service, network.Nodes[4].Id, [], exact: true);
        RequestId nowhere = origin.Request(Service, random.NextKey(), [], exact: true);
        network.Until(() => origin.Replies.Count == 2);
        Assert.Equal(network.Nodes[4].Id, origin.Replies[there].Responder);
        Assert.Equal(KbrStatus.NoSuchNode, origin.Replies[nowhere].Status);
    }

    [Fact]
    public void A_node_that_does_not_run_a_service_never_sees_its_payload()
    {
        TestNetwork network = Ring(6, out SeededRandom random);
        TestNode stranger = network.Add(random.NextKey(), through: network.Nodes[0]);
        network.Run(TimeSpan.FromSeconds(20));
        for (int i = 0; i < 100; i++)
        {
            network.Nodes[random.Next(6)].Request(Service, stranger.Id + new Key(0, 0, 0, (ulong)i), [42]);
        }

        network.Run(TimeSpan.FromSeconds(5));
        Assert.Empty(stranger.Deliveries);
        Assert.All(
            network.Nodes.Take(6),
            n => Assert.All(n.Replies.Values, r => Assert.Equal(KbrStatus.Ok, r.Status)));
    }

    [Fact]
    public void A_client_on_a_node_without_the_service_reaches_its_members()
    {
        TestNetwork network = Ring(6, out SeededRandom random);
        TestNode stranger = network.Add(random.NextKey(), through: network.Nodes[0]);
        stranger.Attach(Service);
        Key key = random.NextKey();
        RequestId request = stranger.Request(Service, key, [1]);
        network.Until(() => stranger.Replies.ContainsKey(request));
        Assert.Equal(Root(network, key, network.Nodes.Take(6)).Id, stranger.Replies[request].Responder);
        Assert.Empty(stranger.Deliveries);
    }

    [Fact]
    public void A_node_outside_the_ring_routes_and_is_nobodys_neighbour()
    {
        TestNetwork network = Ring(6, out SeededRandom random);
        TestNode client = network.Add(
            random.NextKey(), o => o with { JoinsRing = false, Addresses = [] }, network.Nodes[2]);
        client.Attach(Service);
        RequestId request = client.Request(Service, random.NextKey(), [1]);
        network.Until(() => client.Replies.ContainsKey(request));
        Assert.Equal(KbrStatus.Ok, client.Replies[request].Status);
        Assert.All(
            network.Nodes.Take(6),
            n => Assert.DoesNotContain(client.Id, n.Overlay.Neighbours(ServiceId.Base).Others));
    }

    [Fact]
    public void A_request_that_nobody_answers_times_out_once()
    {
        TestNetwork network = Ring(3, out SeededRandom random);
        network.Nodes.ForEach(n => n.Answers = false);
        RequestId request = network.Nodes[0].Request(Service, random.NextKey(), [1], timeoutSeconds: 3);
        network.Run(TimeSpan.FromSeconds(10));
        Assert.Equal(KbrStatus.Timeout, network.Nodes[0].Replies[request].Status);
    }

    [Fact]
    public void Nodes_that_all_restart_at_once_and_know_only_each_other_form_one_ring()
    {
        var network = new TestNetwork();
        var random = new SeededRandom(11);
        KnownMember[] members =
            [.. Enumerable.Range(1, 8).Select(i => new KnownMember(random.NextKey(), [$"10.0.0.{i}:1"]))];
        foreach (KnownMember member in members)
        {
            network.Add(member.Id, o => o with { KnownMembers = members }).Join(Service);
        }

        network.Run(TimeSpan.FromSeconds(10));
        AssertTrueRing(network);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_application_that_asked_is_heard_about_messages_that_pass(bool goes)
    {
        TestNetwork network = Ring(6, out _, wantsForward: true);
        network.Run(TimeSpan.FromSeconds(5));
        TestNode origin = network.Nodes[0];
        network.Nodes.ForEach(n => n.Decision = goes ? ForwardDecision.Replace([7]) : ForwardDecision.Stop);
        RequestId request = origin.Request(Service, network.Nodes[3].Id, [1]);
        network.Until(() => origin.Replies.ContainsKey(request));
        Assert.Equal(goes ? KbrStatus.Ok : KbrStatus.Stopped, origin.Replies[request].Status);
        Assert.Equal(network.Nodes[3].Id, Assert.Single(origin.Forwards).NextHop);
        if (goes)
        {
            Assert.Equal([7], origin.Replies[request].Payload[Key.SizeInBytes..]);
        }
    }

    [Fact]
    public void A_node_of_another_network_is_refused_with_the_reason()
    {
        TestNetwork network = Ring(2, out SeededRandom random);
        TestNode stranger = network.Add(
            random.NextKey(), o => o with { Network = "other" }, through: network.Nodes[0]);
        network.Run(TimeSpan.FromSeconds(5));
        Assert.Contains(
            stranger.Events, e => e.Kind == OverlayEventKind.Refused && e.Text.Contains("'other'"));
        Assert.Empty(stranger.Overlay.Peers);
    }

    [Fact]
    public void Any_bytes_from_a_peer_leave_the_node_standing()
    {
        TestNetwork network = Ring(2, out SeededRandom random);
        var link = new LinkId(1_000_000);
        network.Nodes[0].Do(o => o.HandleLinkOpened(network.Now, link, random.NextKey(), null, "10.9.9.9:1"));
        for (int i = 0; i < 2000; i++)
        {
            byte[] noise = new byte[random.Next(300)];
            for (int k = 0; k < noise.Length; k++)
            {
                noise[k] = (byte)random.NextUInt64();
            }

            network.Nodes[0].Do(o => o.HandleFrame(network.Now, link, noise));
        }

        RequestId request = network.Nodes[1].Request(Service, network.Nodes[0].Id, []);
        network.Until(() => network.Nodes[1].Replies.ContainsKey(request));
        Assert.Equal(KbrStatus.Ok, network.Nodes[1].Replies[request].Status);
    }

    /// <summary>Of these kinds are also the exceptions that bytes of others cause.</summary>
    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(ArgumentException))]
    [InlineData(typeof(OverflowException))]
    [InlineData(typeof(EndOfStreamException))]
    public void Fault_of_this_node_surfaces_and_is_not_held_against_the_peer(Type kind)
    {
        var node = new LoneNode(new Key(0, 0, 0, 1));
        LinkId link = node.Connect(new Key(0, 0, 0, 2));
        node.Fault = (Exception)Activator.CreateInstance(kind)!;
        Assert.Throws(kind, () => node.Ping(link));
        node.Fault = null;
        node.Ping(link);
        Assert.Empty(node.Closed);
        Assert.Single(node.Messages<PongMessage>(link));
    }

    [Fact]
    public void A_full_first_contact_makes_room_for_newcomers()
    {
        var network = new TestNetwork();
        var random = new SeededRandom(5);
        TestNode first = network.Add(random.NextKey(), o => o with { LinksMax = 20, NeighboursPerSide = 2 });
        for (int i = 0; i < 60; i++)
        {
            network.Add(random.NextKey(), o => o with { NeighboursPerSide = 2 }, first);
            network.Run(TimeSpan.FromSeconds(5));
        }

        network.Until(() => network.Nodes.TrueForAll(n => n.Overlay.IsJoined), TimeSpan.FromMinutes(2));
        Assert.InRange(first.Overlay.Peers.Count, 2, 20);
    }

    [Fact]
    public void Clients_have_their_share_of_a_node_and_leave_room_for_a_new_neighbour()
    {
        var network = new TestNetwork();
        var random = new SeededRandom(5);
        TestNode full = network.Add(random.NextKey(), o => o with { LinksMax = 16, NeighboursPerSide = 2 });
        for (int i = 0; i < 16; i++)
        {
            network.Add(random.NextKey(), o => o with { JoinsRing = false, Addresses = [] }, full);
        }

        network.Run(TimeSpan.FromSeconds(4));
        Assert.Equal(4, full.Overlay.Peers.Count);
        TestNode neighbour = network.Add(
            random.NextKey(), o => o with { NeighboursPerSide = 2 }, through: full);
        network.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(neighbour.Id, Assert.Single(full.Overlay.Neighbours(ServiceId.Base).Others));
        Assert.Equal(full.Id, Assert.Single(neighbour.Overlay.Neighbours(ServiceId.Base).Others));
    }

    [Fact]
    public void Both_sides_dial_at_once_and_one_connection_remains()
    {
        var network = new TestNetwork();
        var random = new SeededRandom(5);
        KnownMember first = new(random.NextKey(), ["10.0.0.1:1"]);
        KnownMember second = new(random.NextKey(), ["10.0.0.2:1"]);
        TestNode a = network.Add(first.Id, o => o with { KnownMembers = [second] });
        TestNode b = network.Add(second.Id, o => o with { KnownMembers = [first] });
        network.Run(TimeSpan.FromSeconds(30));
        Assert.Single(a.Overlay.Peers);
        Assert.Single(b.Overlay.Peers);
        Assert.DoesNotContain(a.Events.Concat(b.Events), e => e.Kind == OverlayEventKind.PeerLost);
        Assert.Equal(1, a.OpenLinks);
    }

    private static TestNetwork Ring(int count, out SeededRandom random, bool wantsForward = false)
    {
        var network = new TestNetwork();
        random = new SeededRandom(1);
        TestNode first = network.Add(random.NextKey());
        first.Join(Service, wantsForward);
        for (int i = 1; i < count; i++)
        {
            network.Add(random.NextKey(), through: first).Join(Service, wantsForward);
        }

        network.Until(() => network.Nodes.TrueForAll(
            n => n.Overlay.Neighbours(ServiceId.FromName(Service)) is { IsMember: true } set
                && set.Count >= Math.Min(count - 1, 16)));
        network.Run(TimeSpan.FromSeconds(10)); // so many, and then the nearest: heartbeats compare sets
        return network;
    }

    private static TestNode Root(TestNetwork network, Key key, IEnumerable<TestNode>? among = null) =>
        (among ?? network.Nodes).Where(n => n.IsAlive).Aggregate(
            (a, b) => key.CompareNearness(a.Id, b.Id) <= 0 ? a : b);

    private static void AssertTrueRing(TestNetwork network)
    {
        TestNode[] alive = [.. network.Nodes.Where(n => n.IsAlive)];
        foreach (TestNode node in alive)
        {
            Key[] clockwise = [.. alive.Where(n => n != node).Select(n => n.Id).OrderBy(id => id - node.Id)];
            NeighbourSet set = node.Overlay.Neighbours(ServiceId.FromName(Service));
            Assert.Equal(clockwise.Take(8), set.Clockwise);
            Assert.Equal(clockwise.Reverse().Take(8), set.CounterClockwise);
        }
    }
}
