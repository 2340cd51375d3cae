using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Records;

namespace Igor.Simulation.Checks;

/// <summary>
/// Says what of the calls on one record of type `value` cannot be, by what `docs/guarantees.md` promises.
/// Only answers that are not marked are held against one another; what an answer names has to have been
/// written, marked or not.
/// </summary>
/// <remarks>
/// Versions say what is newer, so that no search is needed: what ended before a call began bounds the version
/// that the call may show from below.
/// </remarks>
public static class ValueJudge
{
    /// <summary>A value that nobody wrote.</summary>
    public const string Made = "made-up";

    /// <summary>A write that was seen, overwritten by another, and then done once more.</summary>
    public const string Twice = "done-twice";

    /// <summary>An answer that is older than what was acknowledged before, or read before.</summary>
    public const string Old = "old-answer";

    /// <summary>A write that was acknowledged as older than one that had been acknowledged before.</summary>
    public const string Lost = "lost-write";

    /// <summary>What was deleted is back.</summary>
    public const string Back = "resurrection";

    /// <summary>"Absent" of what is there.</summary>
    public const string Absent = "false-absent";

    /// <summary>A record that outlived its end, or ended before it.</summary>
    public const string Life = "life";

    private const long AheadMaxMs = 60_000;
    private const long EarliestUnixMs = 978_307_200_000; // 2001
    private static readonly TimeSpan s_clocksDiffer = TimeSpan.FromSeconds(10);

    /// <summary>What cannot be, with the rule that it breaks.</summary>
    /// <param name="calls">The calls on one record, in any order.</param>
    /// <param name="judgesLives">Whether clocks were right enough to judge ends of lives.</param>
    public static IEnumerable<(string Rule, string Text)> Violations(
        IReadOnlyList<ValueCall> calls, bool judgesLives = true)
    {
        ArgumentNullException.ThrowIfNull(calls);
        List<(string, string)> found = [.. calls.Where(IsRead).SelectMany(read => Invented(calls, read))];
        found.AddRange(Doubled(calls));
        if (judgesLives)
        {
            found.AddRange(calls.Where(IsRead).SelectMany(read => Lives(calls, read)));
        }

        // A record from the future ranks below all that is written later, whatever its version says.
        return calls.Any(IsIllDated) ? found : [.. found, .. Order(calls), .. Repeated(calls)];
    }

    private static bool IsRead(ValueCall call) => call.Kind == ValueCallKind.Read;

    private static bool IsIllDated(ValueCall call)
    {
        long madeAt = (long)(call.Version.Clock >> 16);
        return call.Version != RecordVersion.None
            && (madeAt > call.UnixMs + AheadMaxMs || madeAt < EarliestUnixMs);
    }

    private static IEnumerable<(string, string)> Invented(IReadOnlyList<ValueCall> calls, ValueCall read)
    {
        bool isFound = read.Outcome switch
        {
            GetOutcome.Found => calls.Any(call => call.Kind == ValueCallKind.Write
                && call.Written == read.Found && call.CalledAt <= read.EndedAt),
            GetOutcome.Deleted => calls.Any(
                call => call.Kind == ValueCallKind.Delete && call.CalledAt <= read.EndedAt),
            GetOutcome.Expired => calls.Any(
                call => call.TimeToLive is not null && call.CalledAt <= read.EndedAt),
            _ => true,
        };
        if (!isFound)
        {
            yield return (Made, $"nobody wrote what this shows: {read}");
        }
    }

    // One version has one content.
    private static IEnumerable<(string, string)> Doubled(IReadOnlyList<ValueCall> calls) => calls
        .Where(call => call.Outcome is GetOutcome.Found or GetOutcome.Deleted)
        .GroupBy(call => call.Version)
        .Where(same => same.Select(call => call.Found).Distinct().Count() > 1)
        .Select(same => (Made, $"one version has two contents: {string.Join("; ", same)}"));

    // Under a later version than it was read, with another write between the two.
    private static IEnumerable<(string, string)> Repeated(IReadOnlyList<ValueCall> calls) =>
        from read in calls
        where read.Outcome == GetOutcome.Found && !read.IsMarked
        from write in calls
        where write.Kind == ValueCallKind.Write && write.EndedAt is not null
            && write.Written == read.Found && write.Version > read.Version
        from between in calls
        where IsEvidence(between) && between.Found != read.Found && between.Written != read.Found
            && between.Version > read.Version && between.Version < write.Version
        select (Twice, $"{read}; {between}; {write}");

    private static IEnumerable<(string, string)> Lives(IReadOnlyList<ValueCall> calls, ValueCall read)
    {
        ValueCall? write = read.Outcome == GetOutcome.Found && !read.IsMarked
            ? calls.FirstOrDefault(call => call.Kind == ValueCallKind.Write && call.Written == read.Found)
            : null;
        if (write is { EndedAt: { } made, TimeToLive: { } life }
            && read.CalledAt > made + life + s_clocksDiffer)
        {
            yield return (Life, $"it had ended: {read}, of {write}");
        }

        if (read.Outcome == GetOutcome.Expired && calls.All(call =>
            call.TimeToLive is not { } life || read.EndedAt < call.CalledAt + life - s_clocksDiffer))
        {
            yield return (Life, $"nothing had ended yet: {read}");
        }
    }

    private static IEnumerable<(string, string)> Order(IReadOnlyList<ValueCall> calls)
    {
        ValueCall[] evidence = [.. calls.Where(IsEvidence).OrderBy(call => call.EndedAt)];
        ValueCall? newest = null;
        int next = 0;
        foreach (ValueCall call in calls.Where(IsHeldToOrder).OrderBy(call => call.CalledAt))
        {
            for (; next < evidence.Length && evidence[next].EndedAt < call.CalledAt; next++)
            {
                newest = newest is null || evidence[next].Version > newest.Version ? evidence[next] : newest;
            }

            if (newest is not null && Broken(call, newest, calls) is { } rule)
            {
                yield return (rule, $"{call}, after {newest}");
            }
        }
    }

    // What everybody has to know who asks later.
    private static bool IsEvidence(ValueCall call) => call is { EndedAt: not null, IsMarked: false }
        && (IsRead(call) ? call.Version != RecordVersion.None : call.IsByMajority);

    private static bool IsHeldToOrder(ValueCall call) => call is { EndedAt: not null, IsMarked: false }
        && (IsRead(call) ? call.Outcome is not null and not GetOutcome.Unreachable : call.IsByMajority);

    private static string? Broken(ValueCall call, ValueCall newest, IReadOnlyList<ValueCall> calls)
    {
        if (!IsRead(call))
        {
            return call.Version <= newest.Version ? Lost : null;
        }

        if (call.Outcome == GetOutcome.Absent)
        {
            return IsGone(newest, call, calls) ? null : Absent;
        }

        return call.Version >= newest.Version ? null
            : newest.Kind == ValueCallKind.Delete || newest.Outcome == GetOutcome.Deleted ? Back
            : Old;
    }

    // "Absent" is as good as "deleted" or "expired": the value is not there.
    private static bool IsGone(ValueCall newest, ValueCall read, IReadOnlyList<ValueCall> calls)
    {
        ValueCall? write = newest.Kind == ValueCallKind.Write
            ? newest
            : calls.FirstOrDefault(call => call.Kind == ValueCallKind.Write && call.Written == newest.Found);
        return newest.Kind == ValueCallKind.Delete
            || newest.Outcome is GetOutcome.Deleted or GetOutcome.Expired
            || write?.TimeToLive < read.EndedAt - write?.CalledAt + s_clocksDiffer;
    }
}
