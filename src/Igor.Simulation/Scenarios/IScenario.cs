using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// A story that a simulated network goes through, with checks along the way. It has no state of its own:
/// everything is in the <see cref="ScenarioRun"/>.
/// </summary>
public interface IScenario
{
    /// <summary>Its name, as on the command line.</summary>
    string Name { get; }

    /// <summary>What happens, in a few sentences.</summary>
    string Summary { get; }

    /// <summary>Number of nodes when none is given.</summary>
    int DefaultNodes { get; }

    /// <summary>What can be changed.</summary>
    IReadOnlyList<ScenarioParameter> Parameters { get; }

    /// <summary>Adjusts the settings of the network before it is made.</summary>
    SimulationOptions Configure(ScenarioSettings settings, SimulationOptions options) => options;

    /// <summary>Runs it.</summary>
    void Run(ScenarioRun run);
}
