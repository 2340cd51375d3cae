using System.Buffers.Binary;
using Igor.Kbr;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Checks;

/// <summary>
/// Routes requests to random keys from random members of a service and judges each answer against the true
/// ring: the member nearest to the key must have got it. It counts hops by watching frames, not by asking the
/// nodes.
/// </summary>
/// <remarks>
/// A member counts once it says that it is active; a node that is still joining is not asked for, and not
/// blamed. Where members come and go while a lookup is on its way, the root at its start is as right as the
/// one at its end.
/// </remarks>
public sealed class LookupProbe
{
    private const string Name = "routing";
    private const int PayloadBytes = 40;
    private const int OriginsTried = 32;
    private static readonly TimeSpan TimeoutUsual = TimeSpan.FromSeconds(20);
    private readonly SimulatedNetwork _network;
    private readonly SimRandom _random;
    private readonly ServiceId _service;
    private readonly byte[] _mark = new byte[16];
    private readonly SortedDictionary<long, Lookup> _open = [];
    private readonly Dictionary<SimulatedNode, IKbrService> _services = [];
    private long _lastLookup;

    /// <summary>Makes a probe; the members must run <see cref="Attach"/>.</summary>
    /// <param name="network">The network.</param>
    /// <param name="service">Name of the service that is probed.</param>
    /// <param name="mark">Bytes that all payloads begin with; null for some of its own.</param>
    public LookupProbe(SimulatedNetwork network, string service, ReadOnlyMemory<byte>? mark = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        _network = network;
        Service = service;
        _service = ServiceId.FromName(service);
        _random = network.Engine.RandomFor("lookups in " + service);
        if (mark is { Length: 16 } given)
        {
            given.CopyTo(_mark);
        }
        else
        {
            _random.For("mark").Fill(_mark);
        }

        network.Tap += Watch;
    }

    /// <summary>The service that is probed.</summary>
    public string Service { get; }

    /// <summary>Frames that carried lookups or their answers until now.</summary>
    public long FramesSeen { get; private set; }

    /// <summary>Bytes of these frames, without headers of TLS, TCP and IP.</summary>
    public long BytesSeen { get; private set; }

    /// <summary>Attaches a member that answers lookups to a node.</summary>
    public void Attach(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        var responder = new Responder();
        responder.KbrService = node.Subscribe(
            new SubscribeOptions { Service = Service, Role = ServiceRole.Member }, responder);
        _services[node] = responder.KbrService;
    }

    /// <summary>A node is about to die for good: its lookups count no more.</summary>
    public void Detach(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        _services.Remove(node);
        foreach ((long number, Lookup lookup) in _open.Where(pair => pair.Value.Origin == node).ToList())
        {
            _open.Remove(number);
            lookup.Statistics.Abandon();
        }
    }

    /// <summary>
    /// Starts lookups one after another and runs until all have ended.
    /// </summary>
    /// <param name="count">Number of lookups.</param>
    /// <param name="interval">Time between two of them.</param>
    /// <param name="log">
    /// Where wrong roots and failures go; null when failures are to be counted only.
    /// </param>
    /// <param name="timeout">Of each lookup; 20 s when not given.</param>
    public LookupStatistics Run(int count, TimeSpan interval, ViolationLog? log, TimeSpan? timeout = null)
    {
        var statistics = new LookupStatistics();
        TimeSpan limit = timeout ?? TimeoutUsual;
        for (int i = 0; i < count; i++)
        {
            _network.Engine.After(interval * i, () => Start(statistics, limit, log));
        }

        TimeSpan wait = (interval * count) + limit + TimeSpan.FromSeconds(5);
        if (!_network.RunUntil(() => statistics.Ended == count, wait) && log is not null)
        {
            log.Add(Name, $"{count - statistics.Ended} of {count} lookups never ended");
        }

        return statistics;
    }

    /// <summary>Runs for a span of time with lookups going on, and then until all have ended.</summary>
    /// <param name="span">For how long new ones are started.</param>
    /// <param name="interval">Time between two of them.</param>
    /// <param name="log">Where those go that never end; other failures are counted only.</param>
    public LookupStatistics RunFor(TimeSpan span, TimeSpan interval, ViolationLog log)
    {
        ArgumentNullException.ThrowIfNull(log);
        var statistics = new LookupStatistics();
        TimeSpan end = _network.Now + span;
        Repeat();
        _network.RunFor(span);
        if (!_network.RunUntil(() => statistics.Open == 0, TimeoutUsual + TimeSpan.FromSeconds(5)))
        {
            log.Add(Name, $"{statistics.Open} of {statistics.Ended + statistics.Open} lookups never ended");
        }

        return statistics;

        void Repeat() => _network.Engine.After(interval, () =>
        {
            if (_network.Now < end)
            {
                Start(statistics, TimeoutUsual, log: null);
                Repeat();
            }
        });
    }

    private void Start(LookupStatistics statistics, TimeSpan timeout, ViolationLog? log)
    {
        TrueRing ring = TrueRing.Of(_network, _service);
        SimulatedNode origin = ChooseOrigin(ring);
        var key = new Key(
            _random.NextUInt64(), _random.NextUInt64(), _random.NextUInt64(), _random.NextUInt64());
        long number = ++_lastLookup;
        byte[] payload = new byte[PayloadBytes];
        _mark.CopyTo(payload, 0);
        BinaryPrimitives.WriteInt64BigEndian(payload.AsSpan(16), number);
        var lookup = new Lookup(statistics, origin, key, ring.ActiveRootOf(key, _service), _network.Now, log);
        _open.Add(number, lookup);
        statistics.Start();
        _services[origin].Request(key, payload, new RequestOptions(timeout), reply => End(number, reply));
    }

    private SimulatedNode ChooseOrigin(TrueRing ring)
    {
        SimulatedNode origin = ring.Members[_random.NextInt(ring.Members.Count)];
        for (int tries = 1; tries < OriginsTried && !origin.IsActiveIn(_service); tries++)
        {
            origin = ring.Members[_random.NextInt(ring.Members.Count)];
        }

        return origin;
    }

    private void End(long number, in KbrReply reply)
    {
        if (!_open.Remove(number, out Lookup? lookup))
        {
            return;
        }

        SimulatedNode root = TrueRing.Of(_network, _service).ActiveRootOf(lookup.Key, _service);
        bool isAnswered = reply.Status == KbrStatus.Ok;
        bool isRight = isAnswered
            && (reply.Responder == root.NodeId || reply.Responder == lookup.RootAtStart.NodeId);
        lookup.Statistics.Add(
            isRight,
            isAnswered,
            _network.Now - lookup.Start,
            lookup.Hops,
            DirectRoundTrip(lookup.Origin, root));
        if (!isRight)
        {
            lookup.Log?.Add(Name, Describe(lookup.Key, lookup.Origin, root, reply));
        }
    }

    private TimeSpan DirectRoundTrip(SimulatedNode origin, SimulatedNode root) =>
        origin == root
            ? TimeSpan.Zero
            : _network.Latency.OneWay(origin.Index, root.Index)
                + _network.Latency.OneWay(root.Index, origin.Index);

    private static string Describe(Key key, SimulatedNode origin, SimulatedNode root, in KbrReply reply) =>
        reply.Status == KbrStatus.Ok
            ? $"key {key.ToShortString()} from {origin} went to {reply.Responder.ToShortString()}, "
                + $"its root is {root}"
            : $"key {key.ToShortString()} from {origin}: {reply.Status}, its root is {root}";

    private void Watch(
        SimulatedNode from, SimulatedNode to, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        // A hop that passes a message on sends part of what it received before the payload too, and the
        // request's number after it.
        int start = payload.Length < 2 * PayloadBytes ? payload.IndexOf(_mark) : -1;
        if (start < 0)
        {
            return;
        }

        FramesSeen++;
        BytesSeen += header.Length + payload.Length;
        if (payload.Length - start >= PayloadBytes)
        {
            long number = BinaryPrimitives.ReadInt64BigEndian(payload[(start + 16)..]);
            if (_open.TryGetValue(number, out Lookup? lookup))
            {
                lookup.Hops++;
            }
        }
    }

    private sealed record Lookup(
        LookupStatistics Statistics,
        SimulatedNode Origin,
        Key Key,
        SimulatedNode RootAtStart,
        TimeSpan Start,
        ViolationLog? Log)
    {
        public int Hops { get; set; }
    }

    private sealed class Responder : IKbrApplication
    {
        public IKbrService? KbrService { get; set; }

        public void Deliver(in KbrDelivery delivery)
        {
            if (delivery.Token.ExpectsReply)
            {
                KbrService!.Reply(delivery.Token, delivery.Payload[..24]);
            }
        }

        public void Update(NeighbourChange change)
        {
            // The probe judges neighbour sets from outside.
        }
    }
}
