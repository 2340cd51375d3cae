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
public sealed class LookupProbe
{
    private const string Name = "routing";
    private const int PayloadBytes = 40;
    private readonly SimulatedNetwork _network;
    private readonly SimRandom _random;
    private readonly byte[] _mark = new byte[16];
    private readonly Dictionary<long, int> _hops = [];
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
        _random = network.Engine.RandomFor("lookups in " + service);
        if (mark is { Length: 16 } given)
        {
            given.CopyTo(_mark);
        }
        else
        {
            _random.For("mark").Fill(_mark);
        }

        network.Tap += CountHop;
    }

    /// <summary>The service that is probed.</summary>
    public string Service { get; }

    /// <summary>What the lookups since the last reset found.</summary>
    public LookupStatistics Statistics { get; private set; } = new();

    /// <summary>Attaches a member that answers lookups to a node.</summary>
    public void Attach(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        var responder = new Responder();
        responder.KbrService = node.Subscribe(
            new SubscribeOptions { Service = Service, Role = ServiceRole.Member }, responder);
        _services[node] = responder.KbrService;
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
        Statistics = new LookupStatistics();
        LookupStatistics statistics = Statistics;
        TimeSpan limit = timeout ?? TimeSpan.FromSeconds(20);
        for (int i = 0; i < count; i++)
        {
            _network.Engine.After(interval * i, () => Start(statistics, limit, log));
        }

        TimeSpan wait = (interval * count) + limit + TimeSpan.FromSeconds(5);
        if (!_network.RunUntil(() => statistics.Ended == count, wait) && log is not null)
        {
            log.Add(Name, $"{count - statistics.Ended} of {count} lookups never ended");
        }

        _hops.Clear();
        return statistics;
    }

    private void Start(LookupStatistics statistics, TimeSpan timeout, ViolationLog? log)
    {
        TrueRing ring = TrueRing.Of(_network, ServiceId.FromName(Service));
        SimulatedNode origin = ring.Members[_random.NextInt(ring.Members.Count)];
        var key = new Key(
            _random.NextUInt64(), _random.NextUInt64(), _random.NextUInt64(), _random.NextUInt64());
        long number = ++_lastLookup;
        byte[] payload = new byte[PayloadBytes];
        _mark.CopyTo(payload, 0);
        BinaryPrimitives.WriteInt64BigEndian(payload.AsSpan(16), number);
        TimeSpan start = _network.Now;
        _services[origin].Request(key, payload, new RequestOptions(timeout), reply =>
        {
            SimulatedNode root = TrueRing.Of(_network, ServiceId.FromName(Service)).RootOf(key);
            _hops.Remove(number, out int hops);
            bool isAnswered = reply.Status == KbrStatus.Ok;
            bool isRight = isAnswered && reply.Responder == root.NodeId;
            statistics.Add(
                isRight, isAnswered, _network.Now - start, hops, DirectRoundTrip(origin, root));
            if (!isRight)
            {
                log?.Add(Name, Describe(key, origin, root, reply));
            }
        });
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

    private void CountHop(
        SimulatedNode from, SimulatedNode to, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        // A hop that passes a message on sends part of what it received before the payload too, and the
        // request's number after it.
        int start = payload.Length < 2 * PayloadBytes ? payload.IndexOf(_mark) : -1;
        if (start >= 0 && payload.Length - start >= PayloadBytes)
        {
            long number = BinaryPrimitives.ReadInt64BigEndian(payload[(start + 16)..]);
            _hops[number] = _hops.GetValueOrDefault(number) + 1;
        }
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
