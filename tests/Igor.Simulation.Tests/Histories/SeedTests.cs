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
