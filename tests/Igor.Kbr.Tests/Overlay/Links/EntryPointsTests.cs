using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Links;

public class EntryPointsTests
{
    private const string Bootstrap = "first:1";
    private readonly DialLog _log = new();
    private readonly NodeContext _context;
    private readonly Dialer _dialer;
    private readonly RingTable _rings;
    private readonly EntryPoints _entries;
    private long _links;
    private bool _isStarted;

    public EntryPointsTests()
        : this(new OverlayOptions { Bootstrap = [Bootstrap] })
    {
    }

    private EntryPointsTests(OverlayOptions options)
    {
        _context = new NodeContext(Key.Zero, options, _log, seed: 1);
        _dialer = new Dialer(_context, new OpenLinks(_context));
        var away = new AwayMembers();
        _rings = new RingTable(_context, away);
        _rings.GetOrAdd(TimeSpan.Zero, ServiceId.Base, string.Empty).Phase = RingPhase.Active;
        _entries = new EntryPoints(_context, _dialer, _rings, away);
    }

    [Fact]
    public void A_lost_peer_is_tried_at_each_of_its_addresses()
    {
        Lose("a:1", "b:1", "c:1");
        Assert.Equal(
            ["a:1", "b:1", "c:1"],
            DialledWithin(TimeSpan.FromMinutes(5)).Where(a => a != Bootstrap).Order());
    }

    [Fact]
    public void Many_ids_that_come_and_go_do_not_displace_a_peer_that_was_there_for_long()
    {
        Lose("friend:1");
        for (int i = 0; i < 200; i++)
        {
            Lose(Finger(TimeSpan.FromSeconds(59), $"stranger:{i}"));
        }

        Assert.Contains("friend:1", DialledWithin(TimeSpan.FromMinutes(50)));
    }

    [Fact]
    public void A_lost_peer_that_was_neither_neighbour_nor_finger_is_not_searched_for()
    {
        Lose(Connected("a:1"));
        Assert.Equal([Bootstrap], DialledWithin(TimeSpan.FromMinutes(5)));
    }

    [Fact]
    public void A_peer_that_claims_the_address_of_a_bootstrap_node_does_not_keep_this_node_from_it()
    {
        Connected(Bootstrap);
        Start(TimeSpan.Zero);
        Assert.Equal(Bootstrap, Assert.Single(_log.Dials).Address);
    }

    [Fact]
    public void Given_addresses_are_tried_one_after_the_other_while_one_may_still_answer()
    {
        var test = new EntryPointsTests(new OverlayOptions { Bootstrap = ["a:1", "b:1", "c:1"] });
        test.Start(TimeSpan.Zero);
        Assert.Single(test._log.Dials);
        test._context.Timers.RunDue(TimeSpan.FromMilliseconds(550));
        Assert.Single(test._log.Dials);
        test._dialer.HandleFailed(TimeSpan.FromMilliseconds(550), test._log.Dials[0].Dial, "refused");
        test._context.Timers.RunDue(TimeSpan.FromMilliseconds(1150));
        Assert.Equal(2, test._log.Dials.Count); // at once, since that has failed
        test._context.Timers.RunDue(TimeSpan.FromSeconds(2));
        Assert.Equal(3, test._log.Dials.DistinctBy(d => d.Address).Count()); // it has not answered
    }

    [Fact]
    public void All_given_addresses_are_tried_where_the_one_that_answers_looks_for_a_ring_itself()
    {
        var test = new EntryPointsTests(new OverlayOptions { Bootstrap = ["a:1", "b:1", "c:1"] });
        test.Start(TimeSpan.Zero);
        Peer peer = test.Connect(TimeSpan.Zero, isMember: true, test._log.Dials[0].Address);
        peer.Services.Apply(new ServicesMessage(1, 2, [], [ServiceId.Base]));
        test._entries.HandlePeerUp(TimeSpan.Zero, peer);
        Assert.Equal(3, test._log.Dials.DistinctBy(d => d.Address).Count());
    }

    [Fact]
    public void A_node_that_has_found_its_ring_and_joins_it_looks_for_no_other_one_yet()
    {
        var test = new EntryPointsTests(new OverlayOptions { Bootstrap = ["a:1", "b:1", "c:1"] });
        test._rings.GetOrAdd(TimeSpan.Zero, ServiceId.Base, string.Empty).Phase = RingPhase.Connecting;
        test.Start(TimeSpan.Zero);
        test.JoinRing();
        test._context.Timers.RunDue(TimeSpan.FromSeconds(8));
        Assert.Single(test._log.Dials);
    }

    [Fact]
    public void A_bootstrap_address_is_left_alone_while_the_node_there_is_connected_over_any_link()
    {
        Peer peer = Connected("other:1");
        peer.FoundAt = [Bootstrap];
        Start(TimeSpan.Zero);
        Assert.Empty(_log.Dials);
        _context.Peers.Remove(peer);
        Assert.Equal([Bootstrap], DialledWithin(TimeSpan.FromMinutes(5)));
    }

    [Fact]
    public void Address_that_a_lost_peer_named_is_dialled_within_a_budget_while_the_ring_is_there()
    {
        JoinRing();
        Lose("198.51.100.1:80");
        DialledWithin(TimeSpan.FromMinutes(10));
        Assert.InRange(_log.Dials.Count(d => d.Address != Bootstrap), 64, 64 + 200);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Connections_of_clients_do_not_make_a_ring_large(bool areMembers)
    {
        for (int i = 0; i < 8; i++)
        {
            _rings.HandlePeerUp(TimeSpan.Zero, Connect(TimeSpan.Zero, areMembers, $"a:{i}"));
        }

        JoinRing();
        DialledWithin(TimeSpan.FromSeconds(30));
        Assert.Equal(areMembers, _log.Dials.Count < 6);
    }

    [Fact]
    public void A_member_of_this_run_displaces_one_of_an_earlier_run()
    {
        KnownMember[] earlier =
        [
            .. Enumerable.Range(1, 64)
                .Select(i => new KnownMember(new Key(1, 0, 0, (ulong)i), [$"old:{i}"])),
        ];
        var test = new EntryPointsTests(new OverlayOptions { KnownMembers = earlier });
        test.Start(TimeSpan.Zero);
        Peer peer = test.Finger(TimeSpan.Zero, "friend:1");
        test.Lose(peer);
        Assert.Contains(peer.Id, test._entries.KnownMembers.Select(m => m.Id));
    }

    [Fact]
    public void All_known_members_are_tried_at_once_for_as_long_as_nobody_is_reached()
    {
        var network = new TestNetwork();
        var random = new SeededRandom(3);
        TestNode first = network.Add(random.NextKey());
        network.Add(random.NextKey(), through: first);
        network.Run(TimeSpan.FromSeconds(10));
        network.ByAddress.Remove(first.Address);
        KnownMember[] known =
        [
            .. Enumerable.Range(1, 40).Select(i => new KnownMember(random.NextKey(), [$"10.7.7.{i}:1"])),
            new KnownMember(first.Id, [first.Address]),
        ];
        TestNode late = network.Add(random.NextKey(), o => o with { KnownMembers = known });
        network.Run(TimeSpan.FromMinutes(20));
        Assert.False(late.Overlay.Ring.IsJoined);
        network.ByAddress[first.Address] = first;
        network.Until(
            () => late.Overlay.Ring.IsJoined && late.Overlay.Neighbours(ServiceId.Base).Count == 2,
            TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void Ring_knocks_at_a_given_address_the_more_seldom_for_each_node_the_larger_it_is()
    {
        double[] dials = [.. new[] { 120, 480 }.Select(size =>
        {
            var test = new EntryPointsTests(new OverlayOptions { Bootstrap = [Bootstrap] });
            for (int i = 0; i < size; i++)
            {
                Key id = new(ulong.MaxValue / (ulong)size * (ulong)i, 0, 0, 1);
                var link = new Link(new LinkId(i), id, false, LinkPurpose.Neighbour, "10.0.0.1:9999");
                var peer = new Peer(id, link) { Addresses = ["10.0.0.2:1"], JoinsRing = true };
                peer.Services.Apply(new ServicesMessage(0, 1, [ServiceId.Base], []));
                test._context.Peers.Add(peer);
                test._rings.HandlePeerUp(TimeSpan.Zero, peer);
            }

            test.DialledWithin(TimeSpan.FromHours(10));
            return test._log.Dials.Count;
        })];
        Assert.InRange(dials[0] / dials[1], 3, 5); // all of them together knock equally often
    }

    private void Start(TimeSpan now)
    {
        _isStarted = true;
        _entries.Start(now);
    }

    private void Lose(params string[] addresses) => Lose(Finger(TimeSpan.Zero, addresses));

    /// <summary>A minute after the start, which it was connected since or later.</summary>
    private void Lose(Peer peer)
    {
        _context.Peers.Remove(peer);
        _entries.HandlePeerDown(TimeSpan.FromMinutes(1), peer, DepartureReason.Failed);
        _context.Peers.Release(peer);
    }

    /// <summary>Connects a member of the ring, so that the node is in it.</summary>
    private void JoinRing()
    {
        RingPhase before = _rings.All[0].Phase;
        _rings.HandlePeerUp(TimeSpan.Zero, Connected("member:1"));
        _rings.All[0].Phase = before; // its place is confirmed
    }

    private Peer Finger(TimeSpan since, params string[] addresses)
    {
        Peer peer = Connect(since, isMember: true, addresses);
        peer.Standing = PeerStanding.Member;
        return peer;
    }

    private Peer Connected(string address) => Connect(TimeSpan.Zero, isMember: true, address);

    private Peer Connect(TimeSpan since, bool isMember, params string[] addresses)
    {
        Key id = new(0, 0, 0, (ulong)++_links);
        var link = new Link(new LinkId(_links), id, false, LinkPurpose.Neighbour, "10.0.0.1:9999");
        var peer = new Peer(id, link)
        {
            Addresses = [.. addresses],
            JoinsRing = isMember,
            ConnectedAt = since,
        };
        peer.Services.Apply(new ServicesMessage(0, 1, [ServiceId.Base], []));
        _context.Peers.Add(peer);
        return peer;
    }

    /// <summary>The addresses dialled during that time, each attempt of which fails.</summary>
    private HashSet<string> DialledWithin(TimeSpan time)
    {
        if (!_isStarted)
        {
            Start(TimeSpan.FromMinutes(1));
        }

        var dialled = new HashSet<string>();
        int ended = 0;
        while (_context.Timers.NextDeadline is { } next && next < TimeSpan.FromMinutes(1) + time)
        {
            _context.Timers.RunDue(next);
            for (; ended < _log.Dials.Count; ended++)
            {
                dialled.Add(_log.Dials[ended].Address);
                _dialer.HandleFailed(next, _log.Dials[ended].Dial, "refused");
            }
        }

        return dialled;
    }
}
