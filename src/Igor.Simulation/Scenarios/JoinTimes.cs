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

    /// <summary>Notes the figures; nodes that have not joined count with the time until now.</summary>
    public void Report(ScenarioRun run)
    {
        var all = _seconds.Concat(_joining.Select(one => (network.Now - one.Start).TotalSeconds)).ToList();
        run.Measure("joinMedianSeconds", LookupStatistics.Quantile(all, 0.5));
        run.Measure("joinP99Seconds", LookupStatistics.Quantile(all, 0.99));
    }

    private void Look()
    {
        foreach ((SimulatedNode node, TimeSpan start) in _joining.Where(one => one.Node.IsJoined))
        {
            _seconds.Add((network.Now - start).TotalSeconds);
        }

        _joining.RemoveAll(one => one.Node.IsJoined || !one.Node.IsRunning);
        _isWatching = _joining.Count > 0;
        if (_isWatching)
        {
            network.Engine.After(Period, Look);
        }
    }
}
