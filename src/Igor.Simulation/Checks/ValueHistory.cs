using Igor.Kbr;

namespace Igor.Simulation.Checks;

/// <summary>
/// The calls that clients made on records of type `value`, to be judged when they have ended.
/// </summary>
public sealed class ValueHistory
{
    private readonly SortedDictionary<Key, List<ValueCall>> _calls = [];

    /// <summary>Number of calls of which the end is known.</summary>
    public int Ended { get; private set; }

    /// <summary>Number of reads of which the answer was marked.</summary>
    public int Marked { get; private set; }

    /// <summary>Whether clocks were right enough for ends of lives to be judged.</summary>
    public bool JudgesLives { get; set; } = true;

    /// <summary>Adds a call, once it has ended or its client gave it up.</summary>
    public void Add(Key key, ValueCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (!_calls.TryGetValue(key, out List<ValueCall>? calls))
        {
            _calls[key] = calls = [];
        }

        calls.Add(call);
        Ended += call.EndedAt is null ? 0 : 1;
        Marked += call.IsMarked ? 1 : 0;
    }

    /// <summary>The calls on a record.</summary>
    public IReadOnlyList<ValueCall> CallsOn(Key key) => _calls.GetValueOrDefault(key) ?? [];

    /// <summary>Judges every record.</summary>
    /// <param name="log">Where violations go.</param>
    public void Check(ViolationLog log)
    {
        ArgumentNullException.ThrowIfNull(log);
        foreach ((Key key, List<ValueCall> calls) in _calls)
        {
            foreach ((string rule, string text) in ValueJudge.Violations(calls, JudgesLives))
            {
                log.Add(rule, $"{key.ToShortString()}: {text}");
            }
        }
    }
}
