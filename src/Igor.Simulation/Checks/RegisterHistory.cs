using System.Globalization;
using Igor.Kbr;

namespace Igor.Simulation.Checks;

/// <summary>
/// The calls that clients made on registers, to be judged when they have ended (<see
/// cref="Linearizability"/>).
/// </summary>
public sealed class RegisterHistory
{
    private const string Name = "linearizability";
    private readonly SortedDictionary<Key, List<RegisterCall>> _calls = [];

    /// <summary>Number of calls of which the end is known.</summary>
    public int Ended { get; private set; }

    /// <summary>Number of calls of which it is not.</summary>
    public int Unknown { get; private set; }

    /// <summary>Adds a call, once it has ended or its client gave it up.</summary>
    public void Add(Key key, RegisterCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (!_calls.TryGetValue(key, out List<RegisterCall>? calls))
        {
            _calls[key] = calls = [];
        }

        calls.Add(call);
        Ended += call.EndedAt is null ? 0 : 1;
        Unknown += call.EndedAt is null ? 1 : 0;
    }

    /// <summary>The calls on a register.</summary>
    public IReadOnlyList<RegisterCall> CallsOn(Key key) => _calls.GetValueOrDefault(key) ?? [];

    /// <summary>Judges every register.</summary>
    /// <param name="log">Where violations go.</param>
    public void Check(ViolationLog log)
    {
        ArgumentNullException.ThrowIfNull(log);
        foreach ((Key key, List<RegisterCall> calls) in _calls)
        {
            if (Linearizability.Violation(calls) is { } stuck)
            {
                log.Add(Name, string.Create(
                    CultureInfo.InvariantCulture,
                    $"the calls on {key.ToShortString()} have no order; none of these can be next: "
                    + $"{string.Join("; ", stuck)}"));
            }
        }
    }
}
