using CsCheck;
using Igor.Simulation.Checks;

namespace Igor.Simulation.Tests.Checks;

public class LinearizabilityTests
{
    // Calls of a few milliseconds, so that most overlap some others; values that are rare enough to be
    // missed.
    private static readonly Gen<RegisterCall> s_call = Gen.Select(
        Gen.Int[0, 2], Gen.Int[0, 12], Gen.Int[0, 5], Gen.Int[0, 3], Gen.Int[0, 3], Gen.Bool)
        .Select((kind, at, length, written, other, isSwapped) => new RegisterCall
        {
            Kind = (RegisterCallKind)kind,
            CalledAt = Ms(at),
            EndedAt = length == 5 ? null : Ms(at + length),
            Written = written == 0 ? null : written,
            Expected = other == 0 ? null : other,
            Found = other == 0 ? null : other,
            IsSwapped = isSwapped,
        });

    [Fact]
    public void Verdict_is_that_of_trying_all_orders() => s_call.Array[0, 6].Sample(
        calls => Assert.Equal(
            HasOrder([.. calls.Where(c => c.EndedAt is not null || c.Kind != RegisterCallKind.Read)], null),
            Linearizability.Violation(calls) is null),
        iter: 20_000);

    [Fact]
    public void Reads_that_overlap_a_write_see_it_or_not_but_never_go_back()
    {
        RegisterCall write = Write(0, 10, 1);
        Assert.Null(Linearizability.Violation([write, Read(1, 2, null), Read(3, 4, 1)]));
        Assert.NotNull(Linearizability.Violation([write, Read(1, 2, 1), Read(3, 4, null)]));
    }

    [Fact]
    public void Write_without_an_end_may_take_effect_at_any_time_or_never()
    {
        RegisterCall write = Write(0, null, 1);
        Assert.Null(Linearizability.Violation([write, Read(50, 51, null), Read(60, 61, 1)]));
        Assert.Null(Linearizability.Violation([write, Read(50, 51, null)]));
        Assert.NotNull(Linearizability.Violation([write, Read(50, 51, 1), Read(60, 61, null)]));
    }

    [Fact]
    public void Two_swaps_of_one_value_are_not_both_done()
    {
        RegisterCall first = Swap(2, 9, 1, 2);
        RegisterCall second = Swap(3, 8, 1, 3);
        Assert.NotNull(Linearizability.Violation([Write(0, 1, 1), first, second]));
        Assert.Null(Linearizability.Violation([Write(0, 1, 1), first, second with { IsSwapped = false }]));
    }

    [Fact]
    public void Violation_names_the_calls_that_fit_nowhere()
    {
        RegisterCall lost = Read(20, 21, null);
        Assert.Equal(
            [lost], Linearizability.Violation([Write(0, 1, 1), Read(2, 3, 1), lost, Read(30, 31, null)]));
    }

    [Fact]
    public void History_of_hundreds_of_calls_is_judged()
    {
        RegisterCall[] calls = [.. Enumerable.Range(0, 300).SelectMany(at => new[]
        {
            Write(10 * at, (10 * at) + 25, at + 1), Read((10 * at) + 24, (10 * at) + 30, at + 1),
        })];
        Assert.Null(Linearizability.Violation(calls));
        Assert.NotNull(Linearizability.Violation([.. calls, Read(4000, 4001, 1)]));
    }

    private static bool HasOrder(RegisterCall[] left, long? value) => left.Length == 0 || left.Any(call =>
        left.All(other => !(other.EndedAt < call.CalledAt))
        && IsPossible(call, value)
        && HasOrder([.. left.Where(other => !ReferenceEquals(other, call))], After(call, value)));

    private static bool IsPossible(RegisterCall call, long? value) => call.Kind switch
    {
        RegisterCallKind.Read => call.Found == value,
        RegisterCallKind.CompareAndSwap => call.EndedAt is null || call.IsSwapped == (call.Expected == value),
        _ => true,
    };

    private static long? After(RegisterCall call, long? value) => call.Kind switch
    {
        RegisterCallKind.Write => call.Written,
        RegisterCallKind.CompareAndSwap when call.Expected == value => call.Written,
        _ => value,
    };

    private static RegisterCall Write(int at, int? end, long value) => new()
    {
        Kind = RegisterCallKind.Write,
        CalledAt = Ms(at),
        EndedAt = end is { } known ? Ms(known) : null,
        Written = value,
    };

    private static RegisterCall Read(int at, int end, long? found) =>
        new() { Kind = RegisterCallKind.Read, CalledAt = Ms(at), EndedAt = Ms(end), Found = found };

    private static RegisterCall Swap(int at, int end, long expected, long written) => new()
    {
        Kind = RegisterCallKind.CompareAndSwap,
        CalledAt = Ms(at),
        EndedAt = Ms(end),
        Expected = expected,
        Written = written,
        IsSwapped = true,
    };

    private static TimeSpan Ms(int ms) => TimeSpan.FromMilliseconds(ms);
}
