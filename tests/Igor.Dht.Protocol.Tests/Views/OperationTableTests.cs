using Igor.Dht.Protocol.Views;
using static Igor.Dht.Protocol.Tests.Views.Voting;

namespace Igor.Dht.Protocol.Tests.Views;

public class OperationTableTests
{
    private const long Now = 1_000_000_000;
    private static readonly Ballot s_old = BallotOf(1, A);
    private static readonly Ballot s_ballot = BallotOf(2, B);
    private static readonly RegisterOperation s_put =
        new() { Id = new OperationId(1, 1), StartedAtUnixMs = Now, Key = default, Reign = s_old };

    private static readonly RegisterOperation s_swap = s_put with { Condition = new RegisterCondition(null) };
    private readonly OperationTable _table = new(s_ballot);

    [Fact]
    public void Retry_is_known_from_the_register_while_that_remembers_it()
    {
        Assert.Equal(
            RegisterAnswer.Applied(new RegisterVersion(s_old, 1)),
            _table.Judge(s_put, After(writers: 7, Now)));
    }

    [Fact]
    public void Retry_after_nine_writers_has_an_unknown_outcome_under_another_coordinator()
    {
        Assert.Equal(RegisterAnswer.Unknown, _table.Judge(s_put, After(writers: 9, Now)));
        Assert.Null(_table.Judge(s_put, After(writers: 9, Now - (3 * OperationTable.ClockDoubtMs))));
        Assert.Null(_table.Judge(s_put with { Reign = s_ballot }, After(writers: 9, Now)));
    }

    [Fact]
    public void Refusal_is_remembered_so_that_a_late_copy_is_not_done()
    {
        RegisterAnswer refused = RegisterAnswer.NotMet(null);
        _table.Add(s_swap.Id, refused, Now);
        Assert.Equal(refused, _table.Judge(s_swap with { Reign = s_ballot }, null));
    }

    [Fact]
    public void Swap_that_began_under_an_earlier_coordinator_may_have_been_refused_by_it()
    {
        Assert.Equal(RegisterAnswer.NotServed, _table.Judge(s_swap, null));
        Assert.Equal(RegisterAnswer.Unknown, _table.Judge(s_swap, After(writers: 9, Now)));
        Assert.Equal(RegisterOutcome.Applied, _table.Judge(s_swap, After(writers: 7, Now))!.Outcome);
        Assert.Equal(RegisterAnswer.NotServed, _table.Judge(s_swap with { Reign = Ballot.None }, null));
        Assert.Equal(RegisterAnswer.NotServed, _table.Judge(s_swap with { Reign = BallotOf(3, C) }, null));
        Assert.Null(_table.Judge(s_swap with { Reign = s_ballot }, null));
    }

    [Fact]
    public void Operation_from_before_what_was_forgotten_has_an_unknown_outcome()
    {
        _table.Add(new OperationId(2, 1), RegisterAnswer.Unknown, Now);
        _table.Add(new OperationId(2, 2), RegisterAnswer.Unknown, Now + OperationTable.RetentionMs + 1);
        RegisterOperation own = s_put with { Reign = s_ballot };
        Assert.Equal(RegisterAnswer.Unknown, _table.Judge(own, null));
        Assert.Null(_table.Judge(own with { StartedAtUnixMs = Now + OperationTable.ClockDoubtMs + 1 }, null));
    }

    // What a register remembers after the put and some writers more.
    private static Register After(int writers, long atUnixMs) => RegisterOf(s_old, (ulong)writers + 1) with
    {
        Applied = [.. Enumerable.Range(0, writers + 1)
            .Select(at => new AppliedOperation(
                at == 0 ? s_put.Id : new OperationId(9, (ulong)at),
                new RegisterVersion(s_old, (ulong)at + 1),
                atUnixMs))
            .TakeLast(Register.AppliedMax)],
    };
}
