using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using static Igor.Dht.Protocol.Tests.Views.Voting;

namespace Igor.Dht.Protocol.Tests.Views;

public class AcceptorTests
{
    private static readonly Ballot s_first = BallotOf(1, A);
    private static readonly Ballot s_second = BallotOf(2, C);
    private static readonly TimeSpan s_now = Ms(10_000);
    private readonly List<PieceChange> _journal =
        [new PieceChange(Whole, Standing(s_first, s_first), Ballot.None)];
    private Acceptor _voter;

    public AcceptorTests() => _voter = Started(Ms(0));

    [Fact]
    public void Promise_is_kept_over_a_restart_and_refuses_lower_ballots()
    {
        Assert.Equal(VoterVerdict.Done, Ask(new Prepare(Whole, s_second, Line)).Verdict);
        _voter = Started(s_now);
        VoterReply lower = Ask(new Prepare(Whole, BallotOf(2, B), Line));
        Assert.Equal(VoterVerdict.Outvoted, lower.Verdict);
        Assert.Equal(s_second, lower.Promised);
        Assert.Equal(VoterVerdict.Outvoted, Ask(new Stand(Whole, s_first, Abc)).Verdict);
    }

    [Fact]
    public void Prepare_is_answered_for_each_piece()
    {
        var half = new KeySpan(Key.PowerOfTwo(255), Key.Max);
        Ask(new Prepare(half, s_second, Line));
        VoterReply reply = Ask(new Prepare(Whole, BallotOf(2, B), Line));
        Assert.Equal(VoterVerdict.Outvoted, reply.Verdict);
        Assert.Equal([BallotOf(2, B), s_second], reply.Votes.Select(vote => vote.Piece.Promised));
        Assert.Equal(half, reply.Votes[1].Span);
    }

    [Fact]
    public void Lease_keeps_others_out_until_it_ends_and_its_holder_never()
    {
        var lease = new Confirm(s_first, new LeaseTerms(Whole, Ms(500), Ms(9_990)));
        Assert.Equal(Ms(500), Ask(lease).Lease);
        Assert.Equal(VoterVerdict.Leased, Ask(new Prepare(Whole, s_second, Line), s_now + Ms(499)).Verdict);
        Assert.Equal(s_first, _voter.Find(Key.Zero)!.Promised);
        Assert.Equal(VoterVerdict.Done, Ask(new Prepare(Whole, BallotOf(2, A), Line), s_now + Ms(1)).Verdict);
        Assert.Equal(
            VoterVerdict.Done, Ask(new Prepare(Whole, BallotOf(3, C), Line), s_now + Ms(500)).Verdict);
    }

    [Fact]
    public void Resignation_ends_the_lease()
    {
        Ask(new Confirm(s_first, new LeaseTerms(Whole, Ms(500), s_now)));
        Ask(new Resign(Whole, s_first));
        Assert.Equal(VoterVerdict.Done, Ask(new Prepare(Whole, s_second, Line)).Verdict);
    }

    [Fact]
    public void Restarted_voter_promises_others_nothing_while_an_old_lease_may_run()
    {
        _voter = Started(s_now);
        Assert.Equal(VoterVerdict.Leased, Ask(new Prepare(Whole, s_second, Line), s_now + Ms(1_999)).Verdict);
        Assert.Equal(VoterVerdict.Done, Ask(new Prepare(Whole, BallotOf(2, A), Line), s_now + Ms(1)).Verdict);
        Assert.Equal(
            VoterVerdict.Done, Ask(new Prepare(Whole, BallotOf(3, C), Line), s_now + Ms(2_000)).Verdict);
    }

    [Fact]
    public void Store_replaces_the_state_of_others_and_own_writes_only_by_later_ones()
    {
        Ask(new Prepare(Whole, s_second, Line));
        var newer = new HeldRegister(new RegisterVersion(s_first, 9), false);
        Assert.Equal(VoterVerdict.Done, Admit(newer, RegisterOf(s_first, 4)));
        Assert.Equal(VoterVerdict.Done, Admit(newer, null));
        var own = new HeldRegister(new RegisterVersion(s_second, 2), false);
        Assert.Equal(VoterVerdict.Kept, Admit(own, RegisterOf(s_first, 4)));
        Assert.Equal(VoterVerdict.Kept, Admit(own, RegisterOf(s_second, 1)));
        Assert.Equal(VoterVerdict.Done, Admit(own, RegisterOf(s_second, 3)));
        Ask(new Stand(Whole, s_second, Abc));
        Assert.Equal(VoterVerdict.Kept, Admit(newer, RegisterOf(s_first, 4)));
        Assert.Equal(VoterVerdict.Kept, Admit(newer, null));
        Assert.Equal(VoterVerdict.Done, Admit(newer, RegisterOf(s_second, 1)));
    }

    [Fact]
    public void Damaged_register_is_acknowledged_only_once_it_is_replaced_by_what_is_no_older()
    {
        var damaged = new HeldRegister(new RegisterVersion(s_first, 5), true);
        Assert.Equal(VoterVerdict.Damaged, Admit(damaged, RegisterOf(s_first, 4), s_first));
        Assert.Equal(VoterVerdict.Done, Admit(damaged, RegisterOf(s_first, 5), s_first));
        HeldRegister unknown = HeldRegister.Damaged(s_first);
        Assert.Equal(VoterVerdict.Damaged, Admit(unknown, RegisterOf(s_first, 5), s_first));
        Ask(new Prepare(Whole, s_second, Line));
        Assert.Equal(VoterVerdict.Done, Admit(unknown, RegisterOf(s_first, 1)));
    }

    [Fact]
    public void View_is_adopted_from_the_one_before_only_and_a_decided_one_stays()
    {
        View second = Abc.Successor([A, B, D]);
        View third = second.Successor([A, B, C]);
        Assert.Equal(VoterVerdict.Done, Ask(new Adopt(Whole, s_first, Abc, second)).Verdict);
        Assert.Equal(second, _voter.Find(Key.Zero)!.Next!.View);
        Ask(new Decide(Whole, BallotOf(9, D), third));
        Assert.Equal(third, _voter.Find(Key.Zero)!.View);
        Assert.Null(_voter.Find(Key.Zero)!.Next);
        Assert.Equal(VoterVerdict.Outvoted, Ask(new Adopt(Whole, s_first, Abc, second)).Verdict);
        Ask(new Decide(Whole, BallotOf(9, D), second));
        Assert.Equal(third, _voter.Find(Key.Zero)!.View);
    }

    [Fact]
    public void Dropped_piece_is_not_made_again_by_what_comes_late()
    {
        Assert.False(_voter.TryDrop(Whole));
        View without = Abc.Successor([A, C, D]);
        Ask(new Decide(Whole, s_first, without));
        Assert.True(_voter.TryDrop(Whole));
        _voter = Started(Ms(0));
        Assert.Equal(VoterVerdict.NoPiece, Ask(new Stand(Whole, s_first, Abc)).Verdict);
        Assert.Equal(VoterVerdict.NoPiece, Ask(new Prepare(Whole, s_first, Line, Abc)).Verdict);
        Assert.Equal(VoterVerdict.NoPiece, Ask(new Prepare(Whole, s_second, Line)).Verdict);
        Assert.Equal(VoterVerdict.Done, Ask(new Prepare(Whole, s_second, Line, without)).Verdict);
        Assert.Equal(Ballot.None, _voter.Find(Key.Zero)!.Standing);
    }

    [Fact]
    public void Newcomer_that_stands_waits_for_a_later_view_before_it_drops_its_piece()
    {
        var newcomer = new Acceptor(Ms(0), D, new Journal([]), []);
        newcomer.Handle(s_now, new Prepare(Whole, s_first, Line, Abc));
        newcomer.Handle(s_now, new Stand(Whole, s_first, Abc));
        Assert.False(newcomer.TryDrop(Whole));
        newcomer.Handle(s_now, new Decide(Whole, s_first, Abc.Successor([A, B])));
        Assert.True(newcomer.TryDrop(Whole));
    }

    [Fact]
    public void Lineage_that_another_took_the_place_of_ends_with_all_that_was_promised_in_it()
    {
        Ask(new Prepare(Whole, s_second, Line));
        Ask(new Stand(Whole, s_second, Abc));
        View child = Abc.Child(2, [A]);
        Assert.Equal(VoterVerdict.Done, Ask(new Decide(Whole, s_first, child)).Verdict);
        _voter = Started(Ms(0));
        Assert.Equal(child, _voter.Find(Key.Zero)!.View);
        Assert.Equal(Ballot.None, _voter.Find(Key.Zero)!.Standing);
        Assert.Equal(VoterVerdict.Outvoted, Ask(new Stand(Whole, s_second, Abc)).Verdict);
        Assert.Equal(VoterVerdict.Outvoted, Ask(new Prepare(Whole, BallotOf(9, C), Line)).Verdict);
        Ask(new Decide(Whole, s_second, Abc.Successor([B, C]).Successor([B, C])));
        Assert.Equal(child, _voter.Find(Key.Zero)!.View);
        Assert.True(_voter.TryDrop(Whole));
    }

    [Fact]
    public void Voter_that_is_left_keeps_what_it_stands_for()
    {
        View child = Abc.Child(2, [A, B]);
        Ask(new Decide(Whole, s_first, child));
        Piece piece = _voter.Find(Key.Zero)!;
        Assert.Equal((child, s_first, s_first), (piece.View, piece.Promised, piece.Standing));
        Assert.False(_voter.TryDrop(Whole));
        Ask(new Decide(Whole, s_first, new View(new Lineage(8, 8), 9, [A])));
        Assert.Equal(child, _voter.Find(Key.Zero)!.View);
    }

    private Acceptor Started(TimeSpan at) => new(at, B, new Journal(_journal), [.. _journal]);

    private VoterReply Ask(VoterRequest request, TimeSpan? at = null) => _voter.Handle(at ?? s_now, request);

    private VoterVerdict Admit(HeldRegister held, Register? register, Ballot? ballot = null) =>
        _voter.Admit(held, new StoreRegister(Key.Zero, ballot ?? s_second, register, default));

    private sealed class Journal(List<PieceChange> changes) : IPieceJournal
    {
        public void Append(PieceChange change) => changes.Add(change);
    }
}
