using Igor.Simulation.Checks;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// How long newcomers take from their start until they are active in the base ring, looked at twice a second.
/// </summary>
internal sealed class JoinTimes(SimulatedNetwork network)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(0.5);

    private readonly List<(SimulatedNode Node, TimeSpan Start)> _joining = [];
    private readonly List<double> _seconds = [];
    private bool _isWatching;

    /// <summary>A node starts now.</summary>
    public void Add(SimulatedNode node)
    {
        _joining.Add((node, network.Now));
        if (!_isWatching)
        {
            _isWatching = true;
            network.Engine.After(Period, Look);
        }
    }

    /// <summary>Newcomers that ended before they had joined.</summary>
    public int Unfinished { get; private set; }

    /// <summary>
    /// The times in seconds; nodes that have not joined count with the time until now, those that ended
    /// before with the time that they had: who takes long would be missing else.
    /// </summary>
    public List<double> Seconds() =>
        [.. _seconds, .. _joining.Select(one => (network.Now - one.Start).TotalSeconds)];

    /// <summary>Notes the figures.</summary>
    public void Report(ScenarioRun run)
    {
        List<double> all = Seconds();
        run.Measure("joinsUnfinished", Unfinished);
        run.Measure("joinMedianSeconds", LookupStatistics.Quantile(all, 0.5));
        run.Measure("joinP99Seconds", LookupStatistics.Quantile(all, 0.99));
    }

    private static bool IsOver((SimulatedNode Node, TimeSpan Start) one) =>
        one.Node.IsJoined || !one.Node.IsRunning;

    private void Look()
    {
        foreach ((SimulatedNode node, TimeSpan start) in _joining.Where(IsOver))
        {
            Unfinished += node.IsJoined ? 0 : 1;
            _seconds.Add((network.Now - start).TotalSeconds);
        }

        _joining.RemoveAll(IsOver);
        _isWatching = _joining.Count > 0;
        if (_isWatching)
        {
            network.Engine.After(Period, Look);
        }
    }
}
