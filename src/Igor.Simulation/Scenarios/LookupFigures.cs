using Igor.Simulation.Checks;

namespace Igor.Simulation.Scenarios;

/// <summary>Lookups as figures of a run.</summary>
internal static class LookupFigures
{
    /// <summary>Notes them, their names before the unit ending with a suffix.</summary>
    public static void Measure(this LookupStatistics found, ScenarioRun run, string suffix = "")
    {
        run.Measure("lookupSuccess" + suffix, found.Success);
        run.Measure("lookups" + suffix, found.Ended + found.Open);
        run.Measure("lookupsWrong" + suffix, found.Wrong);
        run.Measure($"lookupMedian{suffix}Ms", found.LatencyMs(0.5));
        run.Measure($"lookupP90{suffix}Ms", found.LatencyMs(0.9));
        run.Measure($"lookupP99{suffix}Ms", found.LatencyMs(0.99));
        run.Measure("hopsMean" + suffix, found.HopsMean);
        run.Measure("stretchMedian" + suffix, found.StretchMedian);
    }
}
