using Igor.Simulation.Checks;

namespace Igor.Trial.Judging;

/// <summary>Judges a history, key by key, as simulated ones are.</summary>
internal static class HistoryJudge
{
    public static List<string> Violations(IEnumerable<HistoryEntry> history)
    {
        var found = new List<string>();
        foreach (IGrouping<string, HistoryEntry> key in history.GroupBy(entry => entry.Key))
        {
            ValueCall[] values = [.. key.Select(entry => entry.Value).OfType<ValueCall>()];
            RegisterCall[] registers = [.. key.Select(entry => entry.Register).OfType<RegisterCall>()];
            found.AddRange(ValueJudge.Violations(values, key.All(entry => entry.JudgesLives))
                .Select(violation => $"{violation.Rule}: {key.Key}: {violation.Text}"));
            if (registers.Length > 0 && Linearizability.Violation(registers) is { } stuck)
            {
                found.Add(
                    $"linearizability: the calls on {key.Key} have no order; none of these can be next: "
                    + string.Join("; ", stuck));
            }
        }

        return found;
    }
}
