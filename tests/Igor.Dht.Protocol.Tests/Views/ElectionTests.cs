using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using static Igor.Dht.Protocol.Tests.Views.Voting;

namespace Igor.Dht.Protocol.Tests.Views;

public class ElectionTests
{
    private static readonly Ballot s_ballot = BallotOf(9, C);

    [Fact]
    public void Newest_version_of_a_lower_standing_is_given_up()
    {
        // A (ballot 1) stored x on itself only, B (2, with C) y on itself only. A (3, with C) committed x.
        // Now C is asked with B, whose y has the higher version: x is the state, since only C stands with A's
        // last ballot.
        var key = new Key(1, 0, 0, 0);
        Election election = Judge(
            (B, Standing(BallotOf(2, B), s_ballot)), (C, Standing(BallotOf(3, A), s_ballot)))!;
        Assert.Equal([C], election.Sources.ToArray());
        var gathering = new Gathering(new WonPiece(Whole, s_ballot, election));
        var x = new RegisterVersion(BallotOf(1, A), 1);
        gathering.Add(B, Holding(key, new HeldRegister(new RegisterVersion(BallotOf(2, B), 1), false)));
        gathering.Add(C, Holding(key, new HeldRegister(x, false)));
        Assert.True(gathering.IsComplete);
        Assert.Equal((x, C), gathering.State()![key]);
    }

    [Fact]
    public void Half_adopted_view_is_proposed_again_and_needs_its_own_majority()
    {
        var next = new NextView(BallotOf(2, A), Abc.Successor([C, D, E]));
        Piece adopted = Standing(BallotOf(2, A), s_ballot, next);
        Piece unaware = Standing(BallotOf(2, A), s_ballot);
        Assert.Null(Judge((B, adopted), (C, unaware)));
        Assert.Null(Judge((B, adopted), (C, unaware), (D, unaware with { Promised = BallotOf(8, A) })));
        Election election = Judge((B, adopted), (C, unaware), (D, unaware))!;
        Assert.Equal(next, election.Next);
        Assert.Equal([B, C, D], election.Promised.ToArray());
    }

    [Fact]
    public void Of_two_half_adopted_views_the_one_of_the_higher_ballot_is_proposed()
    {
        var older = new NextView(BallotOf(2, A), Abc.Successor([A, B, D]));
        var newer = new NextView(BallotOf(3, B), Abc.Successor([A, B, E]));
        Election election = Judge(
            (A, Standing(BallotOf(3, B), s_ballot, newer)), (B, Standing(BallotOf(2, A), s_ballot, older)))!;
        Assert.Equal(newer, election.Next);
    }

    [Fact]
    public void All_who_are_left_begin_a_child_lineage_where_a_majority_is_given_up()
    {
        var five = new View(Line, 4, [A, B, C, D, E]);
        Piece newer = Standing(BallotOf(3, A), s_ballot) with { View = five };
        Piece older = Standing(BallotOf(2, B), s_ballot) with { View = five };
        (Voter, Piece)[] both = [(A, newer), (B, older)];
        Assert.Null(Judge(both));
        Assert.Null(Election.Judge(s_ballot, Line, both, voter => voter == C || voter == D));
        Assert.Null(Election.Judge(s_ballot, Line, [(A, newer)], IsDead));
        Assert.Null(Election.Judge(
            s_ballot, Line, [(A, newer), (B, older with { Promised = BallotOf(8, B) })], IsDead));
        Election election = Election.Judge(s_ballot, Line, both, IsDead)!;
        Assert.Equal([A, B], election.View.Voters.ToArray());
        Assert.Equal(5UL, election.View.Epoch);
        Assert.Equal([Line], election.View.Ancestors.ToArray());
        Assert.Equal([A], election.Sources.ToArray());
        Assert.Equal(election.View, Election.Judge(s_ballot, Line, [.. both.Reverse()], IsDead)!.View);

        static bool IsDead(Voter voter) => voter == C || voter == D || voter == E;
    }

    [Fact]
    public void One_who_knows_a_later_view_makes_its_voters_count()
    {
        View later = Abc.Successor([B, C, D]);
        Piece informed = Standing(BallotOf(2, B), s_ballot) with { View = later };
        Piece old = Standing(BallotOf(2, B), s_ballot);
        Assert.Null(Judge((A, old), (B, informed)));
        Assert.Equal(later, Judge((A, old), (B, informed), (C, old))!.View);
    }

    [Fact]
    public void Who_never_stood_or_is_another_incarnation_or_lineage_has_no_vote()
    {
        Piece good = Standing(BallotOf(2, B), s_ballot);
        Assert.NotNull(Judge((A, good), (B, good)));
        Assert.Null(Judge((A, good), (B, good with { Standing = Ballot.None })));
        Assert.Null(Judge((A, good), (B with { Incarnation = 2 }, good)));
        Assert.Null(Judge((A, good), (B, good with { View = new View(new Lineage(8, 8), 1, [A, B, C]) })));
    }

    [Fact]
    public void Damaged_register_that_may_be_newer_counts_as_no_vote()
    {
        var key = new Key(1, 0, 0, 0);
        Piece piece = Standing(BallotOf(2, B), s_ballot);
        var old = new RegisterVersion(BallotOf(2, B), 1);
        IReadOnlyDictionary<Key, HeldRegister> intact = Holding(key, new HeldRegister(old, false));
        IReadOnlyDictionary<Key, HeldRegister> damaged = Holding(key, HeldRegister.Damaged(BallotOf(2, B)));

        var two = new Gathering(new WonPiece(Whole, s_ballot, Judge((A, piece), (B, piece))!));
        two.Add(A, intact);
        two.Add(B, damaged);
        Assert.Null(two.State());

        var three = new Gathering(new WonPiece(Whole, s_ballot, Judge((A, piece), (B, piece), (C, piece))!));
        three.Add(A, intact);
        three.Add(B, damaged);
        three.Add(C, Holding(key, default));
        Assert.Equal((old, A), three.State()![key]);
    }

    private static Election? Judge(params (Voter, Piece)[] votes) => Election.Judge(s_ballot, Line, votes);

    private static Dictionary<Key, HeldRegister> Holding(Key key, HeldRegister held) =>
        new() { [key] = held };
}
