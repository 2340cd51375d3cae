using Igor.Dht.Protocol.Machines;
using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Dht;
using Igor.Simulation.Engine;
using Igor.Simulation.Faults;
using Igor.Simulation.Network;

namespace Igor.Simulation.Histories;

/// <summary>The nodes of a plan: the DHT on the whole overlay, each with a disk and clocks.</summary>
internal sealed class HistoryWorld : ICallClock
{
    private static readonly TimeSpan s_wholeWithin = TimeSpan.FromMinutes(3);
    private readonly Dictionary<SimulatedNode, SimulatedDht> _dhts = [];
    private readonly SimRandom _random;
    private readonly DhtNodeOptions _options;
    private readonly SimulatedStoreOptions _disk;
    private TimeSpan _leapt;

    public HistoryWorld(HistoryPlan plan, SimulatedNetwork network, PlantedFault planted)
    {
        Plan = plan;
        Network = network;
        _random = network.Engine.RandomFor("dht nodes");
        _options = DhtNodeOptions.Default with
        {
            VoteAfter = TimeSpan.FromSeconds(5),
            SyncPeriod = plan.SyncPeriod,
        };
        _disk = new SimulatedStoreOptions { Planted = planted };
    }

    public HistoryPlan Plan { get; }

    public SimulatedNetwork Network { get; }

    /// <summary>When the network was whole and served; the plan counts from then.</summary>
    public TimeSpan Start { get; private set; }

    /// <inheritdoc/>
    public TimeSpan Now => Network.Now;

    /// <inheritdoc/>
    public long UnixMs =>
        (Network.Options.WallClockStart + Network.Now + _leapt).ToUnixTimeMilliseconds();

    public SimulatedDht DhtOf(SimulatedNode node) => _dhts[node];

    /// <summary>The settings of the network that a plan runs in.</summary>
    public static SimulationOptions Configure(HistoryPlan plan, SimulationOptions options) => options with
    {
        Seed = plan.Seed,
        Loss = plan.Loss,
        ClockSkewMax = plan.ClockSkew,
    };

    /// <summary>Starts all nodes and waits until they are one ring that serves.</summary>
    /// <returns>What it never came to; null when all is well.</returns>
    public string? Grow()
    {
        SimRandom rates = Network.Engine.RandomFor("clock rates");
        Network.Grow(Plan.Nodes, Attach);
        foreach (SimulatedNode node in Network.Nodes)
        {
            node.ClockRate = 1 + rates.Between(-Plan.Drift, Plan.Drift);
        }

        var ring = new RingChecker(Network, ServiceId.FromName(SimulatedDht.Service));
        bool isWhole = Network.RunUntil(
            () => Network.RunningNodes.Count() == Plan.Nodes && ring.Holds()
                && Network.RunningNodes.All(node => _dhts[node].Status.IsSettled),
            s_wholeWithin);
        return isWhole ? null : $"after {s_wholeWithin.TotalSeconds} s the nodes were no ring that serves";
    }

    /// <summary>The plan counts from now.</summary>
    public void SetStart() => Start = Network.Now;

    public void Attach(SimulatedNode node) =>
        _dhts[node] = SimulatedDht.Attach(node, _random, _options, _disk);

    /// <summary>
    /// A node joins that was never there, through those that began, whether they run or not.
    /// </summary>
    public void Join() => Network.AddNode(Attach, [.. Network.Nodes.Take(Plan.Nodes)]).Start();

    /// <summary>The node of a place now; null when there is none.</summary>
    public SimulatedNode? Find(FaultPlace place)
    {
        if (place.Key < 0)
        {
            return place.Index < Network.Nodes.Count ? Network.Nodes[place.Index] : null;
        }

        IReadOnlyList<SimulatedNode> near = Near(Plan.Keys[place.Key]);
        return near.Count == 0 ? null : near[place.Index % near.Count];
    }

    /// <summary>
    /// The running members that hold a key, nearest first: around the key itself, or around the middle of the
    /// cell of a register.
    /// </summary>
    public IReadOnlyList<SimulatedNode> Near(PlannedKey key)
    {
        var ring = TrueRing.OfAll(Network);
        return ring.Members.Count == 0
            ? []
            : ring.NearestTo(key.IsRegister ? MiddleOfCell(key.Key) : key.Key, ring.Members.Count);
    }

    /// <summary>All wall clocks move on at once: so much time has passed, and nothing has happened.</summary>
    public void Leap(TimeSpan span)
    {
        _leapt += span;
        foreach (SimulatedNode node in Network.Nodes)
        {
            node.ClockSkew += span;
        }
    }

    internal static Key MiddleOfCell(Key key)
    {
        Span<byte> bytes = stackalloc byte[Key.SizeInBytes];
        key.Write(bytes);
        bytes[1..].Clear();
        bytes[1] = 0x80;
        return Key.Read(bytes);
    }
}
