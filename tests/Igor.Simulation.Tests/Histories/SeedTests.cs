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

    // The seeds are the first that caught the fault.
    [Theory]
    [InlineData(nameof(PlantedFault.AcknowledgeBeforeSync), 2)]
    [InlineData(nameof(PlantedFault.SkipReplica), 1)]
    [InlineData(nameof(PlantedFault.ForgetPromise), 1)]
    [InlineData(nameof(PlantedFault.MergeByArrival), 1)]
    [InlineData(nameof(PlantedFault.DropTombstone), 1)]
    public void Broken_rule_is_caught_and_the_whole_one_is_not(string name, ulong seed)
    {
        HistoryPlan plan = PlanDraw.Draw(seed);
        PlantedFault planted = Enum.Parse<PlantedFault>(name);
        Assert.NotEmpty(SeedVerdict.Of(plan, planted: planted).Violations);
        Assert.Empty(SeedVerdict.Of(plan).Violations);
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
