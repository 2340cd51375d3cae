using System.Collections.Immutable;
using System.Diagnostics;

namespace Igor.Simulation.Histories;

/// <summary>
/// Makes a plan smaller that breaks a rule, as long as it still breaks it: leaves out faults, clients, keys
/// and calls, ever smaller parts of them (delta debugging, Zeller and Hildebrandt, 2002), makes faults
/// shorter, and nodes fewer.
/// </summary>
internal sealed class PlanShrinker(
    string rule, int runsMax, Func<HistoryPlan, SeedVerdict> run, TimeSpan? timeMax = null)
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private SeedVerdict? _smallest;

    /// <summary>How many plans were run.</summary>
    public int Runs { get; private set; }

    /// <summary>The smallest plan that was found, and what came out of it.</summary>
    public SeedVerdict Shrink(SeedVerdict found)
    {
        _smallest = found;
        int before;
        do
        {
            before = Size(_smallest.Plan);
            Thin(plan => plan.Faults, (plan, faults) => plan with { Faults = faults });
            DropKeys();
            DropClients();
            Thin(plan => plan.Calls, (plan, calls) => plan with { Calls = calls });
            Calm();
            Try(_smallest.Plan with { Nodes = _smallest.Plan.Nodes - 1 });
            EndEarlier();
        }
        while (Size(_smallest.Plan) < before && !IsOver);

        return _smallest;
    }

    private bool IsOver => Runs >= runsMax || Stopwatch.GetElapsedTime(_start) > timeMax;

    private static int Size(HistoryPlan plan) =>
        (plan.Calls.Length + plan.Faults.Sum(fault => 5 + fault.Here.Length + fault.There.Length)) * 20
        + plan.Nodes;

    private bool Try(HistoryPlan plan)
    {
        if (IsOver || plan.Nodes < 1)
        {
            return false;
        }

        Runs++;
        SeedVerdict verdict = run(plan);
        bool isBroken = verdict.Violations.Any(violation => violation.Checker == rule);
        _smallest = isBroken ? verdict : _smallest;
        return isBroken;
    }

    // Halves first, then quarters, until single ones.
    private void Thin<T>(
        Func<HistoryPlan, ImmutableArray<T>> part, Func<HistoryPlan, ImmutableArray<T>, HistoryPlan> with)
    {
        for (int length = part(_smallest!.Plan).Length; length > 0; length /= 2)
        {
            for (int at = 0; at < part(_smallest.Plan).Length;)
            {
                ImmutableArray<T> all = part(_smallest.Plan);
                bool isLeftOut = Try(with(
                    _smallest.Plan, all.RemoveRange(at, Math.Min(length, all.Length - at))));
                at += isLeftOut ? 0 : length;
            }
        }
    }

    private void DropClients()
    {
        foreach (int client in _smallest!.Plan.Calls.Select(call => call.Client).Distinct().ToList())
        {
            Try(_smallest.Plan with
            {
                Calls = [.. _smallest.Plan.Calls.Where(call => call.Client != client)],
            });
        }
    }

    // Places of keys stay what they were: a key that is not called is as good as left out, but the last.
    private void DropKeys()
    {
        for (int key = _smallest!.Plan.Keys.Length - 1; key >= 0; key--)
        {
            Try(_smallest.Plan with { Calls = [.. _smallest.Plan.Calls.Where(call => call.Key != key)] });
        }
    }

    private void Calm()
    {
        Try(_smallest!.Plan with { Loss = 0 });
        Try(_smallest.Plan with { Drift = 0 });
        Try(_smallest.Plan with { ClockSkew = TimeSpan.Zero });
    }

    private void EndEarlier()
    {
        HistoryPlan plan = _smallest!.Plan;
        TimeSpan last = plan.Calls.Select(call => call.At).Concat(plan.Faults.Select(fault => fault.End))
            .DefaultIfEmpty().Max() + TimeSpan.FromSeconds(1);
        if (last < plan.Length)
        {
            Try(plan with { Length = last });
        }
    }
}
