using System.Globalization;
using Igor.Dht;
using Igor.Simulation.Histories;
using Igor.Trial.Calls;
using Igor.Trial.Judging;
using Igor.Trial.Lab;

namespace Igor.Trial;

/// <summary>
/// One trial: nodes form a ring; rounds of faults follow, during which clients call; after each all faults
/// end, everything has to be served again, and what clients saw is judged.
/// </summary>
internal sealed class TrialRun(TrialSettings settings, TrialLab lab, TrialTranscript transcript)
{
    private const int CallsOfRound = 1_000_000;
    private const int FirstOfRecovery = 500_000;
    private const int ClientsOfStatus = -1000;
    private static readonly TimeSpan s_formsWithin = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_servedWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_convergesWithin = TimeSpan.FromSeconds(90);

    private static readonly PlannedKey[] s_lasting =
        [new("throughout", IsRegister: false, Replicas: 5), new("throughout", IsRegister: true, Replicas: 5)];

    private readonly EndCounts _counts = new();
    private readonly HashSet<PlannedKey> _keys = [];

    /// <summary>Runs it; returns whether nothing was wrong.</summary>
    public async Task<bool> ExecuteAsync(CancellationToken cancellation)
    {
        await using var attachments = new Attachments(lab);
        await FormAsync(attachments, cancellation);
        TimeSpan start = lab.Clock.Now;
        for (int round = 0; lab.Clock.Now - start < settings.Length; round++)
        {
            await RunAsync(round, attachments, cancellation);
        }

        transcript.Note("no faults any more; then all processes are killed, and their disks looked at");
        await Task.Delay(s_convergesWithin, cancellation);
        foreach (TrialNode node in lab.Present)
        {
            await attachments.FindAsync(ClientsOfStatus, node); // which learns who it is
        }

        foreach (TrialNode node in lab.Present)
        {
            node.Kill();
        }

        foreach (string difference in await Copies.DifferencesAsync(lab, _keys))
        {
            transcript.Violation(difference);
        }

        Judge(HistoryFile.Read(settings.History).Where(IsLasting));
        transcript.End(_counts, _keys.Count);
        return transcript.Violations == 0;
    }

    private async Task FormAsync(Attachments attachments, CancellationToken cancellation)
    {
        TimeSpan start = lab.Clock.Now;
        foreach (TrialNode node in lab.Nodes.Take(lab.Count))
        {
            await node.StartAsync(lab.JoinThrough(node));
        }

        while (lab.Clock.Now - start < s_formsWithin)
        {
            bool[] isWhole = await Task.WhenAll(lab.Present.Select(node => IsWholeAsync(node, attachments)));
            if (isWhole.All(whole => whole))
            {
                transcript.Note($"{lab.Count} nodes are one ring after {Seconds(lab.Clock.Now - start)}");
                return;
            }

            await Task.Delay(200, cancellation);
        }

        throw new TrialException(
            $"after {s_formsWithin.TotalSeconds} s the nodes are no ring; their logs are in "
            + settings.Folder);
    }

    private async Task<bool> IsWholeAsync(TrialNode node, Attachments attachments)
    {
        try
        {
            return await attachments.FindAsync(ClientsOfStatus, node) is { } dht
                && await dht.StatusAsync() is { IsSettled: true } status
                && status.Neighbours.Count == lab.Count - 1;
        }
        catch (DhtException)
        {
            return false;
        }
    }

    private async Task RunAsync(int round, Attachments attachments, CancellationToken cancellation)
    {
        HistoryPlan plan = PlanDraw.DrawForProcesses(
            settings.Seed + (ulong)round, lab.Count, settings.RoundLength, s_lasting);
        plan = plan with
        {
            Calls =
            [
                .. plan.Calls.Select(call => call with { Number = call.Number + (round * CallsOfRound) }),
            ],
        };
        _keys.UnionWith(plan.Keys);
        transcript.Note(
            $"round {round}, seed {plan.Seed}: {plan.Clients} clients, {plan.Calls.Length} calls");
        var caller = new TrialCaller(lab, plan, attachments, _counts);
        var recovery = new RecoveryRounds(lab, plan, caller, (round * CallsOfRound) + FirstOfRecovery);
        if (round == 0)
        {
            await RecoverAsync(recovery, "before any fault", cancellation); // which also founds the registers
        }

        TimeSpan start = lab.Clock.Now;
        var faults = new LabFaults(lab, plan, transcript.Note);
        Task calls = caller.RunAsync(start, cancellation);
        await faults.RunAsync(start, cancellation);
        await faults.EndAllAsync();
        transcript.Note("all faults end");
        await Task.WhenAll(lab.Present.Select(node => attachments.FindAsync(ClientsOfStatus, node)));
        await RecoverAsync(recovery, "after them", cancellation);
        await calls;
        List<HistoryEntry> history = [.. plan.Keys.SelectMany(key => EntriesOf(key, plan, caller))];
        HistoryFile.Append(settings.History, history);
        Judge(history.Where(entry => !IsLasting(entry)));
        while (lab.Problems.TryDequeue(out string? problem))
        {
            transcript.Violation($"process: {problem}");
        }
    }

    private async Task RecoverAsync(RecoveryRounds recovery, string when, CancellationToken cancellation)
    {
        if (await recovery.AwaitAsync(s_servedWithin, cancellation) is { } took)
        {
            transcript.Recovered(took, $"all is served {when} within {Seconds(took)}");
        }
        else
        {
            transcript.Violation(
                $"recovery: {s_servedWithin.TotalSeconds} s {when} not all is served: "
                + recovery.LastFailure);
        }
    }

    private void Judge(IEnumerable<HistoryEntry> history)
    {
        foreach (string violation in HistoryJudge.Violations(history))
        {
            transcript.Violation(violation);
        }
    }

    private static bool IsLasting(HistoryEntry entry) =>
        Array.Exists(s_lasting, key => entry.Key == key.ToString());

    private static IEnumerable<HistoryEntry> EntriesOf(
        PlannedKey key, HistoryPlan plan, TrialCaller caller) => key.IsRegister
        ? caller.RegisterCallsOn(key).Select(
            call => new HistoryEntry($"{key}", plan.HasRightClocks, null, call))
        : caller.ValueCallsOn(key).Select(
            call => new HistoryEntry($"{key}", plan.HasRightClocks, call, null));

    private static string Seconds(TimeSpan span) =>
        string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:F1} s");
}
