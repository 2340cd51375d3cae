using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Tests.Wire.Messages;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Routing;

/// <summary>Peers that drop requests, peers that are only slow, and where retries go.</summary>
public class SilentMembersTests
{
    private const string Service = "test";
    private static readonly ServiceId TestService = ServiceId.FromName(Service);
    private static readonly Key Destination = Id(1000);
    private readonly LoneNode _node = new(Id(100));
    private long _lastRequest;

    public SilentMembersTests() => _node.Join(Service);

    [Fact]
    public void Retries_go_to_every_first_hop_before_any_has_a_second_one()
    {
        LinkId[] hops = [.. Enumerable.Range(0, 6).Select(i => _node.Connect(Id(900 + (ulong)i), Service))];
        Request();
        var asked = new List<LinkId>();
        while (asked.Count < 12)
        {
            (LinkId link, byte[] frame) = Assert.Single(
                _node.Sent, sent => hops.Contains(sent.Link) && sent.Frame[1] == (byte)MessageType.Route);
            asked.Add(link);
            _node.Sent.Clear();
            Answer(link, frame, ReplyStatus.Unreachable);
            _node.Run(TimeSpan.FromSeconds(0.6));
        }

        Assert.Equal(6, asked.Take(6).Distinct().Count());
        Assert.Equal(6, asked.Skip(6).Distinct().Count());
        Assert.Equal(hops[^1], asked[0]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Peer_that_answers_pings_and_drops_requests_loses_its_place(bool answersTheQuestion)
    {
        LinkId silent = _node.Connect(Id(990), Service);
        LinkId honest = _node.Connect(Id(90), Service);
        Request();
        PlayUntil(silent, answersTheQuestion, () => Neighbours.Count == 1);
        Assert.Equal([Id(90)], Neighbours);
        Assert.Contains(
            _node.Messages<SilentPeerMessage>(honest), told => told.Node == Id(990));
        Assert.Contains(_node.Events, e => e.Kind == OverlayEventKind.PeerSilent && e.Peer == Id(990));

        // This node is the nearest now, and stays it when the peer connects again.
        Request();
        Assert.Equal(2, _node.Deliveries.Count);
        _node.Disconnect(silent);
        _node.Connect(Id(990), Service);
        Assert.Equal([Id(90)], Neighbours);
    }

    [Fact]
    public void Peer_that_sends_and_answers_nothing_loses_its_place()
    {
        _node.Connect(Id(990), Service);
        _node.Connect(Id(90), Service);
        Request();
        _node.Run(TimeSpan.FromMinutes(1)); // it pings this node all the while
        Assert.Equal([Id(90)], Neighbours);
    }

    [Fact]
    public void Node_that_left_out_the_last_member_is_alone_and_not_the_founder_of_a_ring()
    {
        LinkId silent = _node.Connect(Id(990), Service);
        Request();
        PlayUntil(silent, answersQueries: true, () => Neighbours.Count == 0);
        Assert.Equal(
            RingStanding.Alone("all members that are connected drop requests"), _node.Overlay.Ring);
        Assert.True(_node.Overlay.Neighbours(TestService).IsAlone);
        Assert.Equal(
            [TroubleKinds.Alone, TroubleKinds.SilentMember], _node.Overlay.Troubles.Select(t => t.Kind));

        _node.Disconnect(silent);
        Assert.Equal(RingState.Alone, _node.Overlay.Ring.State);
    }

    [Fact]
    public void Unknown_message_is_refused_and_a_refusal_is_not_answered()
    {
        LinkId peer = _node.Connect(Id(990), Service);
        byte[] frame = MessageBytes.Of(new RefusedMessage((int)MessageType.RequestQuery));
        _node.Overlay.HandleFrame(_node.Now, peer, frame);
        Assert.Empty(_node.Frames(peer, MessageType.Refused));

        frame[1] = 99;
        _node.Overlay.HandleFrame(_node.Now, peer, frame);
        Assert.Single(_node.Frames(peer, MessageType.Refused));
    }

    [Fact]
    public void Peer_that_holds_the_request_keeps_its_place_however_long_that_takes()
    {
        LinkId slow = _node.Connect(Id(990), Service);
        for (int i = 0; i < 20; i++)
        {
            Request();
            Play(slow, isHeld: true, answersQueries: true);
        }

        Assert.NotEmpty(_node.Frames(slow, MessageType.RequestQuery));
        Assert.Equal([Id(990)], Neighbours);
        Assert.DoesNotContain(_node.Events, e => e.Kind == OverlayEventKind.PeerSilent);
    }

    [Fact]
    public void Word_of_others_costs_a_peer_nothing_that_answers_a_probe()
    {
        LinkId accused = _node.Connect(Id(990), Service);
        LinkId teller = _node.Connect(Id(980), Service);
        for (int i = 0; i < 100; i++)
        {
            _node.Say(teller, new SilentPeerMessage(Id(990)));
        }

        byte[] question = Assert.Single(_node.Frames(accused, MessageType.RequestQuery));
        _node.AnswerQuestion(accused, question, isHeld: false, answersQueries: true);
        _node.Run(TimeSpan.FromSeconds(10));
        Assert.Equal(2, Neighbours.Count);
    }

    [Fact]
    public void Place_is_given_back_for_an_answer_after_the_term_and_the_next_term_is_longer()
    {
        LinkId peer = _node.Connect(Id(990), Service);
        Request();
        PlayUntil(peer, false, () => Neighbours.Count == 0);
        TimeSpan first = _node.Now;
        PlayUntil(peer, true, () => Neighbours.Count == 1);
        TimeSpan served = _node.Now - first;

        Request();
        PlayUntil(peer, false, () => Neighbours.Count == 0);
        TimeSpan second = _node.Now;
        PlayUntil(peer, true, () => Neighbours.Count == 1);
        Assert.True(_node.Now - second > served * 1.3, $"{served}, then {_node.Now - second}");
    }

    [Fact]
    public void Peer_that_goes_while_it_is_asked_after_its_term_has_its_place_when_it_is_back()
    {
        LinkId peer = AskedAfterTerm();
        _node.Disconnect(peer);
        _node.Run(TimeSpan.FromSeconds(1));
        _node.Connect(Id(990), Service);
        Assert.Equal([Id(990)], Neighbours);
    }

    [Fact]
    public void Peer_is_asked_after_its_term_again_over_another_link()
    {
        AskedAfterTerm();
        LinkId second = _node.Connect(Id(990), Service);
        PlayUntil(second, answersQueries: true, () => Neighbours.Count == 1);
    }

    [Fact]
    public void Peer_that_answers_nothing_loses_its_place_also_under_load()
    {
        _node.Connect(Id(990), Service);
        _node.Connect(Id(90), Service);
        for (int i = 0; i < 600; i++)
        {
            Request(exactly: Id(990));
            _node.Run(TimeSpan.FromSeconds(0.1)); // it pings this node all the while
        }

        Assert.Equal([Id(90)], Neighbours);
    }

    [Fact]
    public void Peer_that_no_question_gets_through_to_is_not_accused()
    {
        _node.Connect(Id(990), Service);
        Request();
        _node.FrameBytesMax = 0; // too much waits on its link; it sends this node pings all the while
        _node.Run(TimeSpan.FromSeconds(30));
        Assert.Equal([Id(990)], Neighbours);
    }

    [Fact]
    public void Peer_that_cannot_be_asked_after_its_term_is_asked_when_there_is_room()
    {
        LinkId peer = _node.Connect(Id(990), Service);
        Request();
        PlayUntil(peer, answersQueries: false, () => Neighbours.Count == 0);
        _node.FrameBytesMax = 0;
        _node.Run(TimeSpan.FromMinutes(1));
        _node.FrameBytesMax = int.MaxValue;
        PlayUntil(peer, answersQueries: true, () => Neighbours.Count == 1);
    }

    [Fact]
    public void Node_says_whether_it_holds_a_request()
    {
        LinkId asker = _node.Connect(Id(800), Service);
        _node.Ask(asker, Id(800), TestService, 7);
        Assert.Equal(true, Ask(asker, 7));
        _node.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(false, Ask(asker, 8));
        Assert.Equal(true, Ask(asker, 8)); // too often
        _node.Run(TimeSpan.FromSeconds(1));
        _node.Overlay.Reply(_node.Now, _node.Deliveries[0].Token, default);
        Assert.Equal(false, Ask(asker, 7));
    }

    [Fact]
    public void Node_whose_answer_found_no_room_does_not_say_that_it_dropped_the_request()
    {
        LinkId asker = _node.Connect(Id(800), Service);
        _node.Ask(asker, Id(800), TestService, 7);
        _node.FrameBytesMax = 0;
        _node.Overlay.Reply(_node.Now, _node.Deliveries[0].Token, new byte[1]);
        _node.FrameBytesMax = int.MaxValue;
        Assert.Equal(true, Ask(asker, 7));
        _node.Run(TimeSpan.FromSeconds(2));
        Assert.Equal(false, Ask(asker, 8)); // one was lost
    }

    [Fact]
    public void Requests_of_a_member_that_loses_its_place_take_another_way()
    {
        LinkId silent = _node.Connect(Id(990), Service);
        Request();
        byte[] question = Questioned(silent);
        LinkId other = _node.Connect(Id(980), Service);
        Request(exactly: Id(990));
        Assert.Empty(_node.Routes(other));
        _node.AnswerQuestion(silent, question, isHeld: false, answersQueries: false);
        _node.Run(TimeSpan.FromSeconds(0.1));
        PlayUntil(silent, answersQueries: false, () => !Neighbours.Contains(Id(990)));
        Assert.NotEmpty(_node.Routes(other));
    }

    [Fact]
    public void Question_from_before_a_second_link_accuses_nobody()
    {
        LinkId first = _node.Connect(Id(990), Service);
        Request();
        byte[] question = Questioned(first);
        LinkId second = _node.Connect(Id(990), Service);
        _node.AnswerQuestion(second, question, isHeld: false, answersQueries: true);
        _node.Sent.Clear();
        Request();
        _node.AnswerQuestion(second, Questioned(second), isHeld: false, answersQueries: true);
        Assert.Equal([Id(990)], Neighbours); // it has dropped one, not two
    }

    [Fact]
    public void Peer_is_not_asked_on_a_second_link_about_a_request_that_went_over_the_first()
    {
        LinkId first = _node.Connect(Id(990), Service);
        Request();
        Assert.Single(_node.Routes(first));
        _node.Run(TimeSpan.FromMilliseconds(1));
        LinkId second = _node.Connect(Id(990), Service);
        _node.Run(TimeSpan.FromSeconds(20));
        MessageType[] types =
            [.. _node.Sent.Where(sent => sent.Link == second).Select(sent => (MessageType)sent.Frame[1])];
        int sentAgain = Array.IndexOf(types, MessageType.Route);
        Assert.InRange(Array.IndexOf(types, MessageType.RequestQuery), sentAgain + 1, types.Length);
    }

    [Fact]
    public void Requests_dropped_minutes_apart_cost_no_place()
    {
        LinkId peer = _node.Connect(Id(990), Service);
        Request();
        _node.AnswerQuestion(peer, Questioned(peer), isHeld: false, answersQueries: true);
        for (int i = 0; i < 720; i++)
        {
            Play(peer, isHeld: true, answersQueries: true);
        }

        _node.Sent.Clear();
        Request();
        _node.AnswerQuestion(peer, Questioned(peer), isHeld: false, answersQueries: true);
        Assert.Equal([Id(990)], Neighbours);
    }

    /// <summary>Waits until the peer is asked for a request, and returns the question.</summary>
    private byte[] Questioned(LinkId link)
    {
        for (int i = 0; i < 40 && _node.Frames(link, MessageType.RequestQuery).Count == 0; i++)
        {
            _node.Run(TimeSpan.FromSeconds(0.1));
        }

        return _node.Frames(link, MessageType.RequestQuery)[0];
    }

    /// <summary>A peer that lost its place, and has not answered the question after its term yet.</summary>
    private LinkId AskedAfterTerm()
    {
        LinkId peer = _node.Connect(Id(990), Service);
        Request();
        PlayUntil(peer, answersQueries: false, () => Neighbours.Count == 0);
        _node.Sent.Clear();
        for (int i = 0; i < 1000 && _node.Frames(peer, MessageType.RequestQuery).Count == 0; i++)
        {
            _node.Run(TimeSpan.FromSeconds(0.1));
        }

        Assert.Single(_node.Frames(peer, MessageType.RequestQuery));
        return peer;
    }

    private IReadOnlyList<Key> Neighbours => [.. _node.Overlay.Neighbours(TestService).Others];

    private void Request(Key? exactly = null) => _node.Overlay.Request(
        _node.Now,
        new RequestId(++_lastRequest),
        TestService,
        exactly ?? Destination,
        new byte[1],
        new RequestOptions(TimeSpan.FromMinutes(10), exactly is not null));

    /// <summary>Lets half a second pass, and answers what came on the link, in its order.</summary>
    private void Play(LinkId link, bool isHeld, bool answersQueries)
    {
        int before = _node.Sent.Count;
        _node.Run(TimeSpan.FromSeconds(0.5));
        foreach ((LinkId to, byte[] frame) in _node.Sent[before..])
        {
            if (to == link)
            {
                _node.AnswerQuestion(link, frame, isHeld, answersQueries);
            }
        }
    }

    private void PlayUntil(
        LinkId link, bool answersQueries, Func<bool> condition)
    {
        for (int i = 0; !condition(); i++)
        {
            Assert.True(i < 1000, "it never came to this");
            Play(link, isHeld: false, answersQueries);
        }
    }

    private void Answer(LinkId link, byte[] route, ReplyStatus status)
    {
        Assert.True(RoutedFrame.TryReadRoute(route, out RouteHeader header, out _));
        byte[] reply = new byte[RoutedFrame.ReplyHeaderBytes + RoutedFrame.PayloadPrefixBytes];
        RoutedFrame.WriteReply(reply, new ReplyHeader(header.HopId, status, Id(900)), 0);
        _node.Overlay.HandleFrame(_node.Now, link, reply);
    }

    private bool? Ask(LinkId link, ulong hopId)
    {
        _node.Say(link, new RequestQueryMessage(hopId));
        RequestStateMessage state = _node.Messages<RequestStateMessage>(link)[^1];
        return state.HopId == hopId ? state.IsHeld : null;
    }

    private static Key Id(ulong value) => new(0, 0, 0, value);
}
