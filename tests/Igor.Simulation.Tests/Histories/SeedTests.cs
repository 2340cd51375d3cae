using Igor.Simulation.Faults;
using Igor.Simulation.Histories;
using Xunit.Abstractions;

namespace Igor.Simulation.Tests.Histories;

/// <summary>
/// Generated histories over the whole stack; `eng/seeds` runs more of them, and makes one that fails short.
/// </summary>
public class SeedTests(ITestOutputHelper output)
{
    private const int Jobs = 2;

    [Fact]
    public void Sixty_seeds_break_no_promise() => Check(1, 60);

    [Fact]
    public void Fresh_seeds_break_no_promise() => Check((ulong)DateTime.UtcNow.Ticks % 1_000_000_000, 6);

    [Fact]
    public void Run_follows_from_its_plan_alone()
    {
        HistoryPlan plan = PlanDraw.Draw(11);
        Assert.Equal(
            SeedVerdict.Of(plan, keepsTranscript: true).Transcript,
            SeedVerdict.Of(plan, keepsTranscript: true).Transcript);
    }

    /// <summary>
    /// Whatever changes what a seed plays changes which one catches a fault: so the first is looked for.
    /// </summary>
    [Theory]
    [InlineData(nameof(PlantedFault.AcknowledgeBeforeSync))]
    [InlineData(nameof(PlantedFault.SkipReplica))]
    [InlineData(nameof(PlantedFault.ForgetPromise))]
    [InlineData(nameof(PlantedFault.MergeByArrival))]
    [InlineData(nameof(PlantedFault.DropTombstone))]
    public void Broken_rule_is_caught_within_200_seeds_and_the_whole_one_is_not(string name)
    {
        PlantedFault planted = Enum.Parse<PlantedFault>(name);
        HistoryPlan? caughtBy = Enumerable.Range(1, 200)
            .Select(seed => PlanDraw.Draw((ulong)seed))
            .FirstOrDefault(plan => SeedVerdict.Of(plan, planted: planted).Violations.Count > 0);

        Assert.NotNull(caughtBy);
        output.WriteLine($"caught by seed {caughtBy.Seed}");
        Assert.Empty(SeedVerdict.Of(caughtBy).Violations);
    }

    private void Check(ulong from, int count)
    {
        output.WriteLine($"seeds {from} to {from + (ulong)count - 1}");
        var failed = new List<string>();
        SeedBatch.Run(from, count, Jobs, seed => PlanDraw.Draw(seed), verdict =>
        {
            failed.AddRange(verdict.Violations.Select(
                violation => $"seed {verdict.Plan.Seed}: {violation}; what happened: "
                    + $"eng/seeds 1 --from {verdict.Plan.Seed}"));
            return true;
        });
        Assert.Empty(failed);
    }
}
