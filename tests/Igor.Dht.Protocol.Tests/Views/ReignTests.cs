using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using static Igor.Dht.Protocol.Tests.Views.Voting;

namespace Igor.Dht.Protocol.Tests.Views;

/// <summary>A coordinator on A that serves A, B and C, of whom each is answered for by hand.</summary>
public class ReignTests
{
    private static readonly Key s_key = new(1, 0, 0, 0);
    private readonly Output _output = new();
    private readonly Reign _reign;
    private double _nowMs;
    private ulong _operations;

    public ReignTests()
    {
        Ballot ballot = BallotOf(2, A);
        var won = new WonPiece(Whole, ballot, new Election(Abc, null, [A, B, C], [A, B, C]));
        _reign = new Reign(Time, A, won, new ReignOptions(), _output);
        _reign.HandleGathered(Time);
        foreach (Voter voter in Abc.Voters)
        {
            _reign.HandleInstalled(Time, voter);
            Confirmed<Stand>(voter);
        }

        Assert.Equal(ReignPhase.Serving, _reign.Phase);
        Assert.Equal(2, _output.Changes);
    }

    private DhtTime Time => new(Ms(_nowMs), 1_000_000);

    [Fact]
    public void Write_is_committed_by_a_majority_with_the_own_voter()
    {
        Submit(isRead: false);
        Confirmed<StoreRegister>(B, C);
        Assert.Empty(_output.Answers);
        Confirmed<StoreRegister>(A);
        Assert.Equal([RegisterOutcome.Applied], _output.Answers);
    }

    [Fact]
    public void Read_waits_for_the_write_before_it()
    {
        Submit(isRead: false);
        Submit(isRead: true);
        Lease(Ms(500), A, B);
        Confirmed<StoreRegister>(A);
        Assert.Empty(_output.Answers);
        Confirmed<StoreRegister>(B);
        Assert.Equal([RegisterOutcome.Applied, RegisterOutcome.Read], _output.Answers);
    }

    [Fact]
    public void Lease_counts_from_when_it_was_asked_for()
    {
        Submit(isRead: true);
        _nowMs = 489;
        Lease(Ms(500), A, C);
        Assert.Equal([RegisterOutcome.Read], _output.Answers);
    }

    [Fact]
    public void Holder_that_slept_through_its_lease_answers_nothing()
    {
        Submit(isRead: true);
        _nowMs = 491;
        Lease(Ms(500), A, B, C);
        Assert.Empty(_output.Answers);
        Lease(Ms(500), A, B);
        Assert.Equal([RegisterOutcome.Read], _output.Answers);
    }

    [Fact]
    public void Majorities_of_both_views_commit_until_the_next_is_decided()
    {
        Assert.True(_reign.Change(Time, [A, D, E]));
        Confirmed<Prepare>(D, E);
        _reign.HandleInstalled(Time, D);
        _reign.HandleInstalled(Time, E);
        Confirmed<Stand>(D);
        Assert.Null(_reign.Next);
        Confirmed<Stand>(E);
        Assert.NotNull(_reign.Next);
        Submit(isRead: false);
        Confirmed<StoreRegister>(A, B, C);
        Assert.Empty(_output.Answers);
        Confirmed<StoreRegister>(D);
        Assert.Equal([RegisterOutcome.Applied], _output.Answers);
        Assert.DoesNotContain(_output.Sent, sent => sent.Request is Adopt && sent.To == D);
        Confirmed<Adopt>(A, C);
        Assert.Equal(_reign.View, Abc.Successor([A, D, E]));
        Assert.Null(_reign.Next);
    }

    [Fact]
    public void Newcomer_that_lacks_a_committed_write_keeps_the_view_from_being_proposed()
    {
        _reign.Change(Time, [A, B, D]);
        Confirmed<Prepare>(D);
        Submit(isRead: false);
        Confirmed<StoreRegister>(A, B);
        _reign.HandleInstalled(Time, D);
        Confirmed<Stand>(D);
        Assert.Null(_reign.Next);
        Confirmed<StoreRegister>(D);
        Assert.NotNull(_reign.Next);
    }

    [Fact]
    public void Outvoted_coordinator_does_not_know_what_becomes_of_a_write()
    {
        Submit(isRead: false);
        Submit(isRead: false);
        _reign.HandleReply(Time, new VoterReply(B, _output.Last<StoreRegister>(B), VoterVerdict.Outvoted));
        Assert.Equal([RegisterOutcome.Unknown, RegisterOutcome.NotServed], _output.Answers);
        Submit(isRead: true);
        Assert.Equal(RegisterOutcome.NotServed, _output.Answers[^1]);
    }

    private void Submit(bool isRead)
    {
        _reign.Submit(Time, new RegisterOperation
        {
            Id = new OperationId(1, ++_operations),
            StartedAtUnixMs = Time.UnixMs,
            Key = s_key,
            Reign = _reign.Ballot,
            IsRead = isRead,
        });
        _reign.HandleRead(Time, s_key, null);
    }

    private void Confirmed<T>(params Voter[] voters)
        where T : VoterRequest
    {
        foreach (Voter voter in voters)
        {
            _reign.HandleReply(Time, new VoterReply(voter, _output.Last<T>(voter), VoterVerdict.Done));
        }
    }

    private void Lease(TimeSpan length, params Voter[] voters)
    {
        VoterReply[] replies = [.. voters.Select(voter =>
            new VoterReply(voter, _output.Last<Confirm>(voter), VoterVerdict.Done) { Lease = length })];
        Array.ForEach(replies, reply => _reign.HandleReply(Time, reply));
    }

    private sealed class Output : IReignOutput
    {
        public List<(Voter To, VoterRequest Request)> Sent { get; } = [];

        public List<RegisterOutcome> Answers { get; } = [];

        public int Changes { get; private set; }

        public T Last<T>(Voter to)
            where T : VoterRequest =>
            Sent.Where(sent => sent.To == to).Select(sent => sent.Request).OfType<T>().Last();

        public void Send(Voter to, VoterRequest request) => Sent.Add((to, request));

        public void Gather(WonPiece won) => Assert.Equal(Whole, won.Span);

        public void Install(Voter member) => Assert.NotEqual(A, member);

        public void Read(Key key) => Assert.Equal(s_key, key);

        public void Resend(Voter to, Key key) => Assert.Equal(s_key, key);

        public void Answer(RegisterOperation operation, RegisterAnswer answer) => Answers.Add(answer.Outcome);

        public void Changed() => Changes++;
    }
}
