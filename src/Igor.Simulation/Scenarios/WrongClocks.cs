using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// Hosts whose wall clocks are wrong by any amount and jump now and then: to another wrong time, back to the
/// right one, away again.
/// </summary>
internal sealed class WrongClocks(SimulatedNetwork network)
{
    private static readonly TimeSpan JumpPeriod = TimeSpan.FromSeconds(15);

    private readonly SimRandom _random = network.Engine.RandomFor("wrong clocks");
    private readonly SortedDictionary<int, SimulatedNode> _wrong = [];
    private double _fraction;
    private TimeSpan _offMax;

    /// <summary>Begins; hosts that are added from now on are concerned.</summary>
    public void Begin(double fraction, TimeSpan offMax)
    {
        _fraction = fraction;
        _offMax = offMax;
        if (fraction > 0)
        {
            ScheduleJump();
        }
    }

    /// <summary>Decides about a host that starts for the first time.</summary>
    public void Add(SimulatedNode node)
    {
        if (_fraction > 0 && _random.NextDouble() < _fraction)
        {
            _wrong.Add(node.Index, node);
            Jump(node);
        }
    }

    /// <summary>Sets all clocks right, for good.</summary>
    public void End()
    {
        _fraction = 0;
        foreach (SimulatedNode node in _wrong.Values)
        {
            node.ClockSkew = TimeSpan.Zero;
        }
    }

    private void ScheduleJump() => network.Engine.After(JumpPeriod, () =>
    {
        if (_fraction > 0)
        {
            foreach (SimulatedNode node in _wrong.Values.Where(_ => _random.NextDouble() < 0.5))
            {
                Jump(node);
            }

            ScheduleJump();
        }
    });

    private void Jump(SimulatedNode node) => node.ClockSkew = _random.NextDouble() < 0.2
        ? TimeSpan.Zero
        : _random.Between(-_offMax, _offMax);
}
