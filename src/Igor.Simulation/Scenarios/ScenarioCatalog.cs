namespace Igor.Simulation.Scenarios;

/// <summary>The scenarios that come with the simulator.</summary>
public static class ScenarioCatalog
{
    /// <summary>All of them, in the order in which they are listed.</summary>
    public static IReadOnlyList<IScenario> All { get; } =
    [
        new RingScenario(),
        new DhtScenario(),
        new PowerCutScenario(),
        new SmallRingsScenario(),
        new PartitionScenario(),
        new HopsScenario(),
        new JoinScenario(),
        new ChurnScenario(),
        new StormScenario(),
        new ServicesScenario(),
        new HistoriesScenario(),
    ];

    /// <summary>A scenario by name; null when there is none.</summary>
    public static IScenario? Find(string name) => All.FirstOrDefault(scenario => scenario.Name == name);
}
