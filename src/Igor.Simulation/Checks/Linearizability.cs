namespace Igor.Simulation.Checks;

/// <summary>
/// Says whether the calls on one register can have been done one after another, each at one moment between
/// its call and its end: a search for such an order (Wing and Gong, 1993) that enters no state twice (Lowe,
/// 2017; as Porcupine does). Registers are independent, so that a history is judged key by key.
/// </summary>
/// <remarks>
/// Calls of which the end is not known may be left out. They are many where faults are, and each doubles the
/// states, so that they are tried only where they may matter: a value that is seen by nobody matters only
/// right before a swap that failed although its value would be there.
/// </remarks>
public static class Linearizability
{
    private const int StatesMax = 4_000_000;

    /// <summary>
    /// The calls among which the search came no further, those that could have been next; null when there is
    /// an order.
    /// </summary>
    /// <param name="calls">The calls on one register, in any order. It has no value at first.</param>
    /// <exception cref="InvalidOperationException">
    /// Too many calls overlap for a search: split the history, or let fewer calls end as unknown.
    /// </exception>
    public static IReadOnlyList<RegisterCall>? Violation(IEnumerable<RegisterCall> calls)
    {
        // A read of which nobody saw the end says nothing.
        RegisterCall[] history = [.. calls
            .Where(call => call.EndedAt is not null || call.Kind != RegisterCallKind.Read)
            .OrderBy(call => call.CalledAt)];
        return new Search(history).Run();
    }

    private sealed class Search
    {
        private readonly RegisterCall[] _history;
        private readonly int _endedCount;
        private readonly HashSet<long?> _seenValues;
        private readonly Stack<(int Call, long? Before)> _done = new();
        private readonly HashSet<State> _seen = [];
        private readonly ulong[] _taken;
        private int _endedTaken;
        private long? _value;

        public Search(RegisterCall[] history)
        {
            _history = history;
            _endedCount = history.Count(call => call.EndedAt is not null);
            _taken = new ulong[(history.Length + 63) / 64];
            _seenValues =
            [
                .. history.Where(call => call.Kind == RegisterCallKind.Read).Select(call => call.Found),
                .. history.Where(IsSwap).Select(call => call.Expected),
            ];
        }

        public IReadOnlyList<RegisterCall>? Run()
        {
            int deepest = -1;
            IReadOnlyList<RegisterCall> stuck = [];
            int next = 0;
            while (_endedTaken < _endedCount)
            {
                if (Find(next) is { } call)
                {
                    Take(call);
                    next = 0;
                    continue;
                }

                if (_endedTaken > deepest)
                {
                    deepest = _endedTaken;
                    stuck = [.. Open()];
                }

                if (_done.Count == 0)
                {
                    return stuck;
                }

                next = Undo() + 1;
            }

            return null;
        }

        // The first call from an index on that may be next: none that is left ended before it was made, and
        // the register is as it says.
        private int? Find(int from)
        {
            TimeSpan earliestEnd = EarliestEnd();
            for (int at = from; at < _history.Length && _history[at].CalledAt <= earliestEnd; at++)
            {
                if (!IsTaken(at) && IsPossible(_history[at]) && _seen.Add(StateAfter(at)))
                {
                    return _seen.Count <= StatesMax
                        ? at
                        : throw new InvalidOperationException(
                            $"{_history.Length} calls have more than {StatesMax} states: too many overlap.");
                }
            }

            return null;
        }

        private IEnumerable<RegisterCall> Open()
        {
            TimeSpan earliestEnd = EarliestEnd();
            return _history.Where((call, at) => !IsTaken(at) && call.CalledAt <= earliestEnd);
        }

        private TimeSpan EarliestEnd()
        {
            TimeSpan earliest = TimeSpan.MaxValue;
            for (int at = 0; at < _history.Length && _history[at].CalledAt <= earliest; at++)
            {
                if (!IsTaken(at) && _history[at].EndedAt is { } end && end < earliest)
                {
                    earliest = end;
                }
            }

            return earliest;
        }

        private bool IsPossible(RegisterCall call) => call.Kind switch
        {
            RegisterCallKind.Read => call.Found == _value,
            RegisterCallKind.CompareAndSwap when call.EndedAt is not null =>
                call.IsSwapped == (call.Expected == _value),
            _ => call.EndedAt is not null || IsUseful(call),
        };

        // Of a call whose end is not known: whether it does something now that somebody may have seen.
        private bool IsUseful(RegisterCall call) =>
            (call.Kind == RegisterCallKind.Write || call.Expected == _value)
            && (_seenValues.Contains(call.Written) || Open().Any(IsFailedHere));

        private bool IsFailedHere(RegisterCall call) => call.EndedAt is not null
            && call.Kind == RegisterCallKind.CompareAndSwap && !call.IsSwapped && call.Expected == _value;

        // A swap that was done, or may have been.
        private static bool IsSwap(RegisterCall call) => call.Kind == RegisterCallKind.CompareAndSwap
            && (call.IsSwapped || call.EndedAt is null);

        private long? ValueAfter(RegisterCall call) => call.Kind switch
        {
            RegisterCallKind.Read => _value,
            RegisterCallKind.CompareAndSwap => call.Expected == _value ? call.Written : _value,
            _ => call.Written,
        };

        private State StateAfter(int call)
        {
            ulong[] taken = [.. _taken];
            taken[call / 64] |= 1UL << (call % 64);
            return new State(taken, ValueAfter(_history[call]));
        }

        private void Take(int call)
        {
            _done.Push((call, _value));
            _endedTaken += _history[call].EndedAt is null ? 0 : 1;
            _taken[call / 64] |= 1UL << (call % 64);
            _value = ValueAfter(_history[call]);
        }

        private int Undo()
        {
            (int call, _value) = _done.Pop();
            _endedTaken -= _history[call].EndedAt is null ? 0 : 1;
            _taken[call / 64] &= ~(1UL << (call % 64));
            return call;
        }

        private bool IsTaken(int call) => (_taken[call / 64] & (1UL << (call % 64))) != 0;
    }

    // Which calls were done, and what they left.
    private sealed class State(ulong[] taken, long? value) : IEquatable<State>
    {
        public bool Equals(State? other) =>
            other is not null && value == other.Value && taken.AsSpan().SequenceEqual(other.Taken);

        public override bool Equals(object? obj) => Equals(obj as State);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            hash.Add(value);
            foreach (ulong word in taken)
            {
                hash.Add(word);
            }

            return hash.ToHashCode();
        }

        private long? Value => value;

        private ulong[] Taken => taken;
    }
}
