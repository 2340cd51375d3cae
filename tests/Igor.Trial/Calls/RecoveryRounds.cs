using Igor.Simulation.Histories;
using Igor.Trial.Lab;

namespace Igor.Trial.Calls;

/// <summary>
/// Sees to it that all is served while there are no faults: a round of calls, to each key a write and two
/// reads at nodes that are drawn, of which all end well. They are part of the history like any others.
/// </summary>
internal sealed class RecoveryRounds(TrialLab lab, HistoryPlan plan, TrialCaller caller, int firstNumber)
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);
    private readonly Random _random = new(firstNumber);
    private int _number = firstNumber;

    /// <summary>What was not done well last, for people.</summary>
    public string? LastFailure { get; private set; }

    /// <summary>How long it took until a round ended well; null when none did in time.</summary>
    public async Task<TimeSpan?> AwaitAsync(TimeSpan within, CancellationToken cancellation)
    {
        TimeSpan start = lab.Clock.Now;
        while (lab.Clock.Now - start < within)
        {
            bool[] isWell = await Task.WhenAll(Enumerable.Range(0, plan.Keys.Length).Select(IsServedAsync));
            if (isWell.All(well => well))
            {
                return lab.Clock.Now - start;
            }

            await Task.Delay(s_pause, cancellation);
        }

        return null;
    }

    private async Task<bool> IsServedAsync(int key)
    {
        CallVerb read = plan.Keys[key].IsRegister ? CallVerb.Get : CallVerb.GetByMajority;
        foreach (CallVerb verb in (CallVerb[])[CallVerb.Put, CallVerb.Get, read])
        {
            PlannedCall call;
            lock (_random)
            {
                call = new PlannedCall(
                    _number++, TimeSpan.Zero, -1 - key, _random.Next(plan.Nodes), key, verb, s_timeout);
            }

            if (!await caller.MakeAsync(call))
            {
                LastFailure = $"{verb} of {plan.Keys[key]} at node {call.Via}";
                return false;
            }
        }

        return true;
    }
}
