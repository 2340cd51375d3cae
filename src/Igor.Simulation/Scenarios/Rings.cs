using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>The rings that a scenario watches: the base overlay's and those of its services.</summary>
internal sealed class Rings
{
    private readonly List<RingChecker> _checkers;

    private Rings(List<RingChecker> checkers) => _checkers = checkers;

    public static Rings Of(SimulatedNetwork network, params string[] services) =>
        new([
            new RingChecker(network),
            .. services.Select(name => new RingChecker(network, ServiceId.FromName(name))),
        ]);

    public bool Hold() => _checkers.All(checker => checker.Holds());

    public int CountFaults() => _checkers.Sum(checker => checker.CountFaults());

    /// <summary>
    /// Runs until all hold, and returns the virtual time that it took. Where they do not in time that is a
    /// violation, and so is each fault that is left.
    /// </summary>
    public TimeSpan Await(ScenarioRun run, string what, TimeSpan limit)
    {
        TimeSpan took = run.Await(what, Hold, limit);
        Check(run.Violations);
        return took;
    }

    public void Check(ViolationLog log) => _checkers.ForEach(checker => checker.Check(log));
}
