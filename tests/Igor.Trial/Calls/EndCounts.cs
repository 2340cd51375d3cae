using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Simulation.Histories;

namespace Igor.Trial.Calls;

/// <summary>How many calls of each kind ended how.</summary>
internal sealed class EndCounts
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, SortedDictionary<string, int>> _counts =
        new(StringComparer.Ordinal);


    public int Total { get; private set; }

    public void Add(PlannedKey key, PlannedCall call, OperationResult? result)
    {
        string kind = $"{(key.IsRegister ? "register" : "value")} {call.Verb}";
        string end = Of(result);
        lock (_gate)
        {
            Total++;
            if (!_counts.TryGetValue(kind, out SortedDictionary<string, int>? ends))
            {
                _counts[kind] = ends = new SortedDictionary<string, int>(StringComparer.Ordinal);
            }

            ends[end] = ends.GetValueOrDefault(end) + 1;
        }
    }

    /// <summary>A table in Markdown.</summary>
    public IReadOnlyList<string> Lines()
    {
        lock (_gate)
        {
            return
            [
                "| call | ended |",
                "| --- | --- |",
                .. _counts.Select(kind => $"| {kind.Key} | "
                    + string.Join(", ", kind.Value.Select(end => $"{end.Key} {end.Value}")) + " |"),
            ];
        }
    }

    private static string Of(OperationResult? result) => result switch
    {
        null => "nobody heard",
        { Failure: { } failure } => failure.Error.ToString().ToLowerInvariant(),
        { Receipt: { } receipt } => receipt.IsDegraded ? "done, marked" : "done",
        { Got: { Outcome: GetOutcome.Unreachable } } => "unreachable",
        { Got: { } got } => got.Outcome.ToString().ToLowerInvariant() + (got.IsDegraded ? ", marked" : null),
        _ => result.Register!.Outcome.ToString().ToLowerInvariant(),
    };
}
