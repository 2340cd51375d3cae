using Igor.Simulation.Checks;
using Igor.Simulation.Engine;
using Igor.Simulation.Faults;
using Igor.Simulation.Network;

namespace Igor.Simulation.Histories;

/// <summary>What came out of a plan.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Violations">What clients saw that cannot be, and what did not come in time.</param>
/// <param name="Transcript">What happened, if it was to be kept.</param>
/// <param name="Calls">Calls of which the end is known.</param>
/// <param name="Unsure">Calls of which it is not, and reads of which the answer was marked.</param>
/// <param name="RecoveredAfter">How long it took until all was served again.</param>
internal sealed record SeedVerdict(
    HistoryPlan Plan,
    IReadOnlyList<Violation> Violations,
    IReadOnlyList<string> Transcript,
    int Calls,
    int Unsure,
    TimeSpan RecoveredAfter)
{
    /// <summary>Runs a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="keepsTranscript">Whether somebody wants to read what happened.</param>
    /// <param name="planted">A fault that is planted.</param>
    public static SeedVerdict Of(
        HistoryPlan plan, bool keepsTranscript = false, PlantedFault planted = PlantedFault.None)
    {
        var network = new SimulatedNetwork(HistoryWorld.Configure(plan, new SimulationOptions()));
        var log = new ViolationLog(network.Engine);
        var transcript = new Transcript(network.Engine, keepsTranscript);
        var run = new HistoryRun(plan, network, log, transcript, planted);
        try
        {
            run.Execute();
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            // What the code under simulation throws is what a run looks for.
            log.Add("failure", problem is SimulationFailureException ? problem.Message : problem.ToString());
        }

        return new SeedVerdict(
            plan,
            log.All,
            transcript.Lines,
            run.Registers.Ended + run.Values.Ended,
            run.Registers.Unknown + run.Values.Marked,
            run.RecoveredAfter);
    }
}
