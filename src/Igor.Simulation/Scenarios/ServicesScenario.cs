using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>One node is in very many services at once, and the others are in some of them.</summary>
public sealed class ServicesScenario : IScenario
{
    private static readonly ScenarioParameter Services = new(
        "services", "Services of the first node.", 1000, 1, 4000);

    private static readonly ScenarioParameter Members = new(
        "members", "Members of each: the first node, and others at random.", 20, 1, 1000);

    private static readonly ScenarioParameter LimitSeconds = new(
        "limit-seconds", "All rings have to be whole after this long.", 600, 1, 36_000);

    private static readonly ScenarioParameter UpkeepSeconds = new(
        "upkeep-seconds", "How long the upkeep of the whole rings is measured.", 120, 1, 36_000);

    private static readonly ScenarioParameter Budget = new(
        "budget-bytes-per-second", "What each node may spend on upkeep.", 400, 200, 1_000_000);

    /// <inheritdoc/>
    public string Name => "services";

    /// <inheritdoc/>
    public string Summary =>
        "Nodes of one ring become members of services, all at the same instant: the first node of all "
        + "services, the others of some. Then the first node crashes and starts again. What each sends is "
        + "measured in windows of 10 s until all rings are whole, and after that.";

    /// <inheritdoc/>
    public int DefaultNodes => 20;

    /// <inheritdoc/>
    public IReadOnlyList<ScenarioParameter> Parameters { get; } =
        [Services, Members, LimitSeconds, UpkeepSeconds, Budget];

    /// <inheritdoc/>
    public SimulationOptions Configure(ScenarioSettings settings, SimulationOptions options)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(options);
        int budget = (int)settings.Value(Budget);
        return options with { Overlay = options.Overlay with { UpkeepBytesPerSecond = budget } };
    }

    /// <inheritdoc/>
    public void Run(ScenarioRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        SimulatedNetwork network = run.Network;
        string[] services = [.. Enumerable.Range(0, run.Count(Services)).Select(i => $"service {i}")];
        Rings rings = Rings.Of(network, services);
        run.Phase($"{run.Nodes} nodes become one ring");
        network.Grow(run.Nodes);
        run.Await(
            "every node runs", () => network.RunningNodes.Count() == run.Nodes, TimeSpan.FromHours(2));
        run.Await("one ring", Rings.Of(network).Hold, run.Seconds(LimitSeconds));
        network.RunFor(TimeSpan.FromMinutes(1));

        run.Phase($"members in {services.Length} services at once");
        SimRandom random = network.Engine.RandomFor("members");
        int others = Math.Min(run.Count(Members), run.Nodes) - 1;
        foreach (string service in services)
        {
            foreach (SimulatedNode node in random.Sample(network.Nodes.Skip(1), others))
            {
                Join(node, service);
            }
        }

        network.Nodes[0].Program = node => Array.ForEach(services, service => Join(node, service));
        network.Nodes[0].Program!(network.Nodes[0]);
        Observe(run, rings, "AtStart");

        run.Phase("measuring upkeep");
        UpkeepMeter.Measure(run, new LookupProbe(network, "none"), run.Seconds(UpkeepSeconds));

        run.Phase("the first node starts again");
        network.Nodes[0].Crash();
        network.RunFor(TimeSpan.FromSeconds(1));
        network.Nodes[0].Start();
        Observe(run, rings, "AtRestart");
        rings.Check(run.Violations);
    }

    private static void Join(SimulatedNode node, string service) =>
        node.Subscribe(new SubscribeOptions { Service = service, Role = ServiceRole.Member }, new Idle());

    /// <summary>Measures until all rings are whole, and for a minute more.</summary>
    private static void Observe(ScenarioRun run, Rings rings, string when)
    {
        var windows = new UpkeepWindows(run.Network);
        TimeSpan whole = run.Await(
            "all rings are whole", rings.Hold, run.Seconds(LimitSeconds), TimeSpan.FromSeconds(1));
        run.Measure($"ringsWholeSeconds{when}", whole.TotalSeconds);
        run.Network.RunFor(TimeSpan.FromMinutes(1));
        windows.Finish(run, when);
    }

    private sealed class Idle : IKbrApplication
    {
        public void Deliver(in KbrDelivery delivery)
        {
        }

        public void Update(NeighbourChange change)
        {
        }
    }
}
