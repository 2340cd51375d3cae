using System.Diagnostics;
using System.Globalization;
using Igor.Simulation.Checks;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>One run of a scenario: the network, what was measured and what was found wrong.</summary>
public sealed class ScenarioRun
{
    private static readonly TimeSpan TellPeriod = TimeSpan.FromSeconds(5);
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly ScenarioSettings _settings;
    private readonly IScenario _scenario;
    private readonly Action<string>? _progress;
    private readonly List<KeyValuePair<string, double>> _metrics = [];
    private TimeSpan _tellAt = TellPeriod;

    private ScenarioRun(
        IScenario scenario, ScenarioSettings settings, SimulationOptions options, Action<string>? progress)
    {
        _scenario = scenario;
        _settings = settings;
        _progress = progress;
        Network = new SimulatedNetwork(options);
        Violations = new ViolationLog(Network.Engine);
        Nodes = settings.Nodes ?? scenario.DefaultNodes;
    }

    /// <summary>Number of nodes asked for.</summary>
    public int Nodes { get; }

    /// <summary>The network, empty at first.</summary>
    public SimulatedNetwork Network { get; }

    /// <summary>What the checkers found.</summary>
    public ViolationLog Violations { get; }

    /// <summary>Runs a scenario; one that the code under simulation ends too early has a violation.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="settings">Seed, size and parameters.</param>
    /// <param name="progress">Told, now and then, what goes on; null for nobody.</param>
    /// <exception cref="ArgumentException">A setting is wrong; the message names it.</exception>
    /// <exception cref="InvalidDataException">The latency matrix is none.</exception>
    public static ScenarioResult Execute(
        IScenario scenario, ScenarioSettings settings, Action<string>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.Error(scenario) is { } error)
        {
            throw new ArgumentException(error, nameof(settings));
        }

        SiteLatency? latency =
            settings.LatencyMatrix is { } path ? LatencyMatrixFile.Read(path) : null;
        SimulationOptions options = scenario.Configure(
            settings, new SimulationOptions { Seed = settings.Seed, Latency = latency });
        var run = new ScenarioRun(scenario, settings, options, progress);
        run.Network.Engine.Pulse = progress is null ? null : run.Tell;
        try
        {
            scenario.Run(run);
        }
        catch (SimulationFailureException problem)
        {
            run.Violations.Add("failure", problem.Message); // the other runs of a sweep go on
        }

        run.Measure("linksPerNodeMax", run.Network.Nodes.Max(node => (int?)node.LinksMax) ?? 0);
        return run.Finish(Stopwatch.GetElapsedTime(run._start));
    }

    /// <summary>The value of a parameter.</summary>
    public double Value(ScenarioParameter parameter) => _settings.Value(parameter);

    /// <summary>The value of a parameter that counts something.</summary>
    public int Count(ScenarioParameter parameter) => (int)Math.Round(Value(parameter));

    /// <summary>The value of a parameter that is a time in seconds.</summary>
    public TimeSpan Seconds(ScenarioParameter parameter) => TimeSpan.FromSeconds(Value(parameter));

    /// <summary>Notes a figure; the name ends with the unit.</summary>
    public void Measure(string name, double value) =>
        _metrics.Add(new KeyValuePair<string, double>(name, Math.Round(value, 4)));

    /// <summary>Tells what goes on now.</summary>
    public void Phase(string text) =>
        _progress?.Invoke(string.Create(
            CultureInfo.InvariantCulture, $"[{Network.Now.TotalSeconds,7:F1} s] {text}"));

    /// <summary>
    /// Runs until a condition holds; a violation when it does not in time. Returns the virtual time that it
    /// took.
    /// </summary>
    public TimeSpan Await(string what, Func<bool> condition, TimeSpan limit, TimeSpan? checkEvery = null)
    {
        TimeSpan start = Network.Now;
        if (!Network.RunUntil(condition, limit, checkEvery ?? TimeSpan.FromMilliseconds(500)))
        {
            Violations.Add("liveness", $"after {limit.TotalSeconds} s still not: {what}");
        }

        return Network.Now - start;
    }

    private void Tell()
    {
        TimeSpan wall = Stopwatch.GetElapsedTime(_start);
        if (wall >= _tellAt)
        {
            _tellAt = wall + TellPeriod;
            Phase(string.Create(
                CultureInfo.InvariantCulture,
                $"  {wall.TotalSeconds:F0} s, {Network.Engine.EventsHandled / 1e6:F1} million events"));
        }
    }

    private ScenarioResult Finish(TimeSpan wall) => new()
    {
        Scenario = _scenario.Name,
        Nodes = Nodes,
        Seed = _settings.Seed,
        TraceHash = Network.Engine.TraceHash.ToString("x16", CultureInfo.InvariantCulture),
        WallSeconds = Math.Round(wall.TotalSeconds, 3),
        VirtualSeconds = Math.Round(Network.Now.TotalSeconds, 3),
        Events = Network.Engine.EventsHandled,
        MemoryMiB = Math.Round(GC.GetTotalMemory(forceFullCollection: true) / (1024.0 * 1024), 1),
        LatencyModel = Network.Latency.Name,
        Parameters =
        [
            .. _scenario.Parameters.Select(one => KeyValuePair.Create(one.Name, one.Format(Value(one)))),
        ],
        Metrics = _metrics,
        Violations = Violations.All,
        Command = _settings.Command(_scenario),
    };
}
