using Igor.Simulation.Checks;
using Igor.Simulation.Histories;

namespace Igor.Simulation.Tests.Histories;

public class PlanTests
{
    [Fact]
    public void Plan_follows_from_its_seed_alone()
    {
        HistoryPlan plan = PlanDraw.Draw(7);
        HistoryPlan again = PlanDraw.Draw(7);
        Assert.Equal(plan.ToString(), again.ToString());
        Assert.Equal(plan.Calls, again.Calls.AsEnumerable());
        Assert.NotEqual(plan.Calls, PlanDraw.Draw(8).Calls.AsEnumerable());
    }

    [Fact]
    public void Seeds_draw_all_verbs_faults_and_sizes()
    {
        HistoryPlan[] plans = [.. Enumerable.Range(1, 400).Select(seed => PlanDraw.Draw((ulong)seed))];
        Assert.Equal(
            Enum.GetValues<CallVerb>(),
            plans.SelectMany(plan => plan.Calls).Select(call => call.Verb).Distinct().Order());
        Assert.Equal(
            Enum.GetValues<FaultKind>(),
            plans.SelectMany(plan => plan.Faults).Select(fault => fault.Kind).Distinct().Order());
        Assert.Equal(PlanDraw.NodesMin, plans.Min(plan => plan.Nodes));
        Assert.Equal(PlanDraw.NodesMax, plans.Max(plan => plan.Nodes));
        Assert.All(plans, plan => Assert.All(
            plan.Faults, fault => Assert.InRange(fault.End, TimeSpan.Zero, plan.Length)));
    }

    [Fact]
    public void Shrinking_leaves_what_breaks_the_rule_and_nothing_else()
    {
        HistoryPlan plan = PlanDraw.Draw(7);
        PlannedCall[] needed = [plan.Calls[3], plan.Calls[^2]];
        PlannedFault fault = plan.Faults[^1];

        // It breaks another rule where the fault is gone, which is no reason to leave it out.
        SeedVerdict Run(HistoryPlan tried) => new(
            tried,
            !needed.All(tried.Calls.Contains) || tried.Nodes < 4 ? []
                : [new Violation(tried.Faults.Contains(fault) ? "rule" : "other", TimeSpan.Zero, "text")],
            [],
            0,
            0,
            TimeSpan.Zero);
        var shrinker = new PlanShrinker("rule", runsMax: 10_000, Run);
        HistoryPlan smallest = shrinker.Shrink(Run(plan)).Plan;
        Assert.Equal(needed, smallest.Calls.AsEnumerable());
        Assert.Equal([fault], smallest.Faults.AsEnumerable());
        Assert.Equal(4, smallest.Nodes);
        Assert.InRange(shrinker.Runs, 1, 500);
    }
}
