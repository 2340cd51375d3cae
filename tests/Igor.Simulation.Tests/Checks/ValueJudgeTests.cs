using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Records;
using Igor.Simulation.Checks;

namespace Igor.Simulation.Tests.Checks;

/// <summary>
/// Histories made by hand: each rule is shown one that breaks it, and one next to it that does not.
/// </summary>
public class ValueJudgeTests
{
    private const long UnixMs = 1_767_225_600_000;

    [Fact]
    public void Answer_that_is_older_than_an_acknowledged_write_is_found()
    {
        ValueCall[] writes = [Write(0, 1, 1), Write(2, 3, 2)];
        Assert.Equal(ValueJudge.Old, Rule([.. writes, Found(4, 5, 1)]));
        Assert.Null(Rule([.. writes, Found(2.5, 5, 1)])); // it overlaps the write
        Assert.Null(Rule([.. writes, Found(4, 5, 1) with { IsMarked = true }]));
        Assert.Null(Rule([Write(0, 1, 1), Write(2, 3, 2) with { IsMarked = true }, Found(4, 5, 1)]));
        Assert.Null(Rule([Write(0, 1, 1), Write(2, 3, 2) with { EndedAt = null }, Found(4, 5, 1)]));
        Assert.Null(Rule([Write(0, 1, 1), Write(2, 3, 2) with { IsByMajority = false }, Found(4, 5, 1)]));
    }

    [Fact]
    public void Reads_that_go_back_are_found_whether_or_not_the_write_was_acknowledged()
    {
        ValueCall[] writes = [Write(0, 1, 1), Write(2, 3, 2) with { EndedAt = null }];
        Assert.Equal(ValueJudge.Old, Rule([.. writes, Found(4, 5, 2), Found(6, 7, 1)]));
        Assert.Null(Rule([.. writes, Found(4, 6.5, 2), Found(6, 7, 1)]));
        Assert.Null(Rule([.. writes, Found(4, 5, 2) with { IsMarked = true }, Found(6, 7, 1)]));
    }

    [Fact]
    public void Absence_of_what_was_written_or_read_is_found()
    {
        Assert.Equal(ValueJudge.Absent, Rule([Write(0, 1, 1), Read(2, 3, GetOutcome.Absent)]));
        Assert.Equal(ValueJudge.Absent, Rule(
            [Write(0, 1, 1) with { EndedAt = null }, Found(2, 3, 1), Read(4, 5, GetOutcome.Absent)]));
        Assert.Null(Rule([Write(0, 1, 1), Read(0.5, 3, GetOutcome.Absent)]));
        Assert.Null(Rule([Write(0, 1, 1), Read(2, 3, GetOutcome.Unreachable)]));
        Assert.Null(Rule([Write(0, 1, 1), Delete(2, 3, 2), Read(4, 5, GetOutcome.Absent)]));
    }

    [Fact]
    public void What_was_deleted_and_is_back_is_found()
    {
        ValueCall[] calls = [Write(0, 1, 1), Delete(2, 3, 2)];
        Assert.Equal(ValueJudge.Back, Rule([.. calls, Found(4, 5, 1)]));
        Assert.Equal(ValueJudge.Back, Rule([.. calls, Read(4, 5, GetOutcome.Absent), Found(6, 7, 1)]));
        Assert.Equal(ValueJudge.Back, Rule(
            [Write(0, 1, 1), Delete(2, 3, 2) with { EndedAt = null }, Deleted(4, 5, 2), Found(6, 7, 1)]));
        Assert.Null(Rule([.. calls, Write(4, 5, 3), Found(6, 7, 3)]));
    }

    [Fact]
    public void Write_that_was_acknowledged_as_older_than_one_before_is_found()
    {
        Assert.Equal(ValueJudge.Lost, Rule([Write(0, 1, 2), Write(2, 3, 1)]));
        Assert.Null(Rule([Write(0, 1, 2), Write(0.5, 3, 1)]));
    }

    [Fact]
    public void Value_that_nobody_wrote_is_found_marked_or_not()
    {
        Assert.Equal(ValueJudge.Made, Rule([Write(0, 1, 1), Found(2, 3, 2) with { IsMarked = true }]));
        Assert.Equal(ValueJudge.Made, Rule([Found(0, 1, 2), Write(2, 3, 2)])); // not yet
        Assert.Equal(ValueJudge.Made, Rule([Read(0, 1, GetOutcome.Deleted)]));
        Assert.Equal(ValueJudge.Made, Rule([Read(0, 1, GetOutcome.Expired)]));
        Assert.Null(Rule([Write(0, 1, 2) with { EndedAt = null }, Found(2, 3, 2)]));
    }

    [Fact]
    public void Two_contents_of_one_version_are_found()
    {
        ValueCall[] writes = [Write(0, 9, 1) with { EndedAt = null }, Write(0, 9, 2) with { EndedAt = null }];
        ValueCall other = Found(4, 5, 2) with { Version = At(1) };
        Assert.Equal(ValueJudge.Made, Rule([.. writes, Found(2, 3, 1), other]));
        Assert.Null(Rule([.. writes, Found(2, 3, 1), Found(4, 5, 2)]));
    }

    [Fact]
    public void Write_that_undoes_another_by_being_done_twice_is_found()
    {
        ValueCall first = Write(0, 9, 1) with { Version = At(3) };
        Assert.Equal(ValueJudge.Twice, Rule([first, Found(2, 3, 1), Write(4, 5, 2)]));
        Assert.Null(Rule([first, Found(2, 3, 1)])); // it has two versions, and that is all
    }

    [Fact]
    public void Record_that_outlives_its_end_or_ends_before_it_is_found()
    {
        ValueCall write = Write(0, 1, 1) with { TimeToLive = TimeSpan.FromSeconds(20) };
        Assert.Equal(ValueJudge.Life, Rule([write, Found(60, 61, 1)]));
        Assert.Equal(ValueJudge.Life, Rule([write, Read(2, 3, GetOutcome.Expired) with { Version = At(1) }]));
        Assert.Null(Rule([write, Found(25, 26, 1)]));
        Assert.Null(Rule([write, Read(60, 61, GetOutcome.Expired) with { Version = At(1) }]));
        Assert.Null(Rule([write, Read(60, 61, GetOutcome.Absent)]));
    }

    [Fact]
    public void Order_is_not_asked_of_a_record_that_a_wrong_clock_dated()
    {
        ValueCall future = Write(0, 1, 1) with { Version = At(1_000_000) };
        Assert.Null(Rule([future, Write(2, 3, 2), Found(4, 5, 2)]));
        Assert.Equal(ValueJudge.Made, Rule([future, Found(4, 5, 7)]));
    }

    private static string? Rule(IReadOnlyList<ValueCall> calls) =>
        ValueJudge.Violations(calls).Select(violation => violation.Rule).FirstOrDefault();

    private static ValueCall Write(double from, double to, int number) => new()
    {
        Kind = ValueCallKind.Write,
        CalledAt = TimeSpan.FromSeconds(from),
        EndedAt = TimeSpan.FromSeconds(to),
        UnixMs = UnixMs,
        Written = number,
        Version = At(number),
        IsByMajority = true,
    };

    private static ValueCall Delete(double from, double to, int number) =>
        Write(from, to, number) with { Kind = ValueCallKind.Delete, Written = null };

    private static ValueCall Read(double from, double to, GetOutcome outcome) => new()
    {
        Kind = ValueCallKind.Read,
        CalledAt = TimeSpan.FromSeconds(from),
        EndedAt = TimeSpan.FromSeconds(to),
        UnixMs = UnixMs,
        Outcome = outcome,
    };

    private static ValueCall Found(double from, double to, int number) =>
        Read(from, to, GetOutcome.Found) with { Found = number, Version = At(number) };

    private static ValueCall Deleted(double from, double to, int number) =>
        Read(from, to, GetOutcome.Deleted) with { Version = At(number) };

    private static RecordVersion At(int number) => new((ulong)(UnixMs + number) << 16, 1);
}
