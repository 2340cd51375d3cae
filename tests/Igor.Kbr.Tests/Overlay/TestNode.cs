using System.Buffers;
using System.Collections.Immutable;
using Igor.Kbr.Overlay;
using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Tests.Overlay;

/// <summary>A node of a <see cref="TestNetwork"/> whose application answers with its own id.</summary>
internal sealed class TestNode : IOverlayOutput
{
    private readonly TestNetwork _network;
    private readonly Dictionary<LinkId, (TestNode Peer, LinkId Other)> _links = [];
    private long _nextRequest;
    private TimeSpan? _scheduled;

    public TestNode(TestNetwork network, Key id, string address, OverlayOptions options, ulong seed)
    {
        _network = network;
        Address = address;
        Overlay = new OverlayNode(id, options, this, seed);
    }

    public OverlayNode Overlay { get; }

    public string Address { get; }

    public Key Id => Overlay.Id;

    public bool IsAlive { get; private set; } = true;

    /// <summary>Whether deliveries are answered.</summary>
    public bool Answers { get; set; } = true;

    public ForwardDecision Decision { get; set; } = ForwardDecision.Continue;

    public List<KbrDelivery> Deliveries { get; } = [];

    public List<KbrForward> Forwards { get; } = [];

    public Dictionary<Key, PeerStanding> Standings { get; } = [];

    public List<NeighbourChange> Changes { get; } = [];

    public List<(ServiceId Service, NeighbourSet Set)> Sets { get; } = [];

    public List<OverlayEvent> Events { get; } = [];

    public Dictionary<RequestId, (KbrStatus Status, Key Responder, byte[] Payload)> Replies { get; } = [];

    public int OpenLinks => _links.Count;

    public void Join(string service, bool wantsForward = false) => Do(o => o.Subscribe(
        _network.Now,
        new SubscribeOptions { Service = service, Role = ServiceRole.Member, WantsForward = wantsForward }));

    public void Attach(string service) =>
        Do(o => o.Subscribe(_network.Now, new SubscribeOptions { Service = service }));

    public RequestId Request(
        string service, Key key, byte[] payload, bool exact = false, double timeoutSeconds = 10)
    {
        var id = new RequestId(++_nextRequest);
        Do(o => o.Request(
            _network.Now,
            id,
            ServiceId.FromName(service),
            key,
            payload,
            new RequestOptions(TimeSpan.FromSeconds(timeoutSeconds), exact)));
        return id;
    }

    /// <summary>How far the host's wall clock is off.</summary>
    public TimeSpan ClockSkew { get; set; }

    /// <summary>The time by which the node goes, as an error.</summary>
    public TimeSpan TimeError => TimeSpan.FromMilliseconds(
        Overlay.Clock.At(_network.Now, WallClockMs).UnixMs - _network.UnixMs);

    private long WallClockMs => Math.Max(0, _network.UnixMs + (long)ClockSkew.TotalMilliseconds);

    public void Do(Action<OverlayNode> action)
    {
        Overlay.HandleWallClock(_network.Now, WallClockMs);
        action(Overlay);
        Schedule();
    }

    /// <summary>Dies; peers see their links break, unless it dies silently.</summary>
    public void Kill(bool silently = false)
    {
        IsAlive = false;
        if (!silently)
        {
            foreach (var (peer, other) in _links.Values)
            {
                _network.After(_network.Delay, () => peer.Closed(other));
            }
        }
    }

    public void Schedule()
    {
        if (Overlay.NextDeadline is { } next && IsAlive && (_scheduled is null || next < _scheduled))
        {
            _scheduled = next;
            TimeSpan wait = next - _network.Now;
            _network.After(wait > TimeSpan.Zero ? wait : TimeSpan.FromTicks(1), () => Wake(next));
        }
    }

    public void Dial(DialId dial, Key? expected, ImmutableArray<string> addresses)
    {
        Note("dials", string.Join(", ", addresses));
        bool Answers(string at) =>
            !_network.BlackHoles.Contains(at) && _network.ByAddress.ContainsKey(at);
        int winner = addresses.ToList().FindIndex(Answers) is >= 0 and var found ? found : 0;
        string address = addresses[winner];
        if (_network.BlackHoles.Contains(address))
        {
            return;
        }

        TestNode? peer = _network.ByAddress.GetValueOrDefault(address);
        _network.After(_network.Delay, () =>
        {
            if (!IsAlive)
            {
                return;
            }

            if (peer is null || !_network.CanHear(this, peer))
            {
                Note("gets no answer from", address);
                Do(o => o.HandleDialFailed(_network.Now, dial, "no answer"));
                return;
            }

            LinkId here = _network.NextLink();
            LinkId there = _network.NextLink();
            _links[here] = (peer, there);
            peer._links[there] = (this, here);
            peer.Note("has a link that was opened by", Id);
            peer.Do(o => o.HandleLinkOpened(_network.Now, there, Id, null, Address));
            Note("has a link that it opened to", peer.Id);
            Do(o => o.HandleLinkOpened(
                _network.Now, here, peer.Id, dial, address, new DialProgress(winner)));
        });
    }

    /// <summary>Says something to a peer that its overlay would not.</summary>
    public void SayTo(TestNode peer, byte[] frame) =>
        Send(_links.First(link => link.Value.Peer == peer).Key, frame, default);

    public bool Send(LinkId link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        if (!_links.TryGetValue(link, out var other))
        {
            return false;
        }

        byte[] body = [.. header, .. payload];
        bool isFull = _network.IsFull?.Invoke(this, other.Peer) == true;
        bool isLost = _network.Loses?.Invoke(this, other.Peer, body) == true;
        _network.Observer?.HandleFrame(
            this, other.Peer, body, isFull ? FrameFate.NoRoom : isLost ? FrameFate.Lost : FrameFate.Arrives);
        if (isFull || isLost)
        {
            return !isFull;
        }

        _network.After(_network.Delay, () =>
        {
            if (_network.CanHear(this, other.Peer) && other.Peer._links.ContainsKey(other.Other))
            {
                other.Peer.Do(o => o.HandleFrame(_network.Now, other.Other, body));
            }
        });
        return true;
    }

    public void Close(LinkId link)
    {
        if (_links.Remove(link, out var other))
        {
            Note("closes a link to", other.Peer.Id);
            _network.After(_network.Delay, () => other.Peer.Closed(other.Other));
        }
    }

    public void SetStanding(LinkId link, PeerStanding standing)
    {
        if (_links.TryGetValue(link, out var other))
        {
            Note($"takes for a {standing}", other.Peer.Id);
            Standings[other.Peer.Id] = standing;
        }
    }

    public void Deliver(ServiceId service, in KbrDelivery delivery)
    {
        KbrDelivery copy = delivery with { Payload = delivery.Payload.ToArray() };
        Deliveries.Add(copy);
        Note("delivers in", service, $"a message of {copy.Payload.Length} bytes from", copy.Source);
        if (copy.Token.ExpectsReply && Answers)
        {
            byte[] answer = [.. Id.ToBytes(), .. copy.Payload.Span];
            _network.After(TimeSpan.Zero, () => Do(o => o.Reply(_network.Now, copy.Token, answer)));
        }
    }

    public void Forward(ServiceId service, long parked, in KbrForward message)
    {
        Forwards.Add(message with { Payload = message.Payload.ToArray() });
        _network.After(TimeSpan.Zero, () => Do(o => o.ResumeForward(_network.Now, parked, Decision)));
    }

    public void CompleteRequest(RequestId request, in KbrReply reply)
    {
        Note($"has the answer to request {request.Value}: {reply.Status} by", reply.Responder);
        Replies.Add(request, (reply.Status, reply.Responder, reply.Payload.ToArray()));
    }

    public void UpdateNeighbours(ServiceId service, NeighbourChange change)
    {
        Note("has neighbours in", service, change);
        Changes.Add(change);
        Sets.Add((service, change.Neighbours));
    }

    public ArrayBufferWriter<byte> Scratch { get; } = new();

    public bool WantsEvents => true;

    public void Raise(OverlayEvent overlayEvent)
    {
        if (overlayEvent.Kind != OverlayEventKind.PeersChanged)
        {
            Note($"reports {overlayEvent.Kind}", overlayEvent.Peer, overlayEvent.Text);
        }

        Events.Add(overlayEvent);
    }

    private void Note(string what, params object[] details) =>
        _network.Observer?.HandleEffect(this, what, details);

    private void Wake(TimeSpan scheduled)
    {
        if (_scheduled == scheduled)
        {
            _scheduled = null;
        }

        if (IsAlive)
        {
            Do(o => o.HandleDeadline(_network.Now));
        }
    }

    private void Closed(LinkId link)
    {
        if (IsAlive && _links.Remove(link, out var other))
        {
            Note("sees a link closed by", other.Peer.Id);
            Do(o => o.HandleLinkClosed(_network.Now, link, "closed"));
        }
    }
}
