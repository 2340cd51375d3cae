using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using static Igor.Dht.Protocol.Tests.Views.Voting;

namespace Igor.Dht.Protocol.Tests.Views;

/// <summary>C would be coordinator in the place of A, among real voters.</summary>
public class TakeoverTests : IPieceJournal
{
    private static readonly Ballot s_first = BallotOf(1, A);
    private static readonly KeySpan s_half = new(Key.PowerOfTwo(255), Key.Max);
    private readonly Dictionary<Voter, Acceptor> _voters;
    private readonly Queue<(Voter To, VoterRequest Request)> _sent = [];

    public TakeoverTests()
    {
        var piece = new PieceChange(Whole, Standing(s_first, s_first), Ballot.None);
        _voters = Abc.Voters.ToDictionary(voter => voter, voter => new Acceptor(Ms(0), voter, this, [piece]));
    }

    [Fact]
    public void Own_promise_is_asked_for_before_anybody_hears_of_the_ballot()
    {
        Takeover takeover = Begin();
        Assert.Equal(C, Assert.Single(_sent).To);
        Answer(takeover, Ms(5_000), C);
        Assert.Equal([A, B], _sent.Select(sent => sent.To).ToArray());
    }

    [Fact]
    public void Lease_with_one_that_the_holder_reaches_keeps_out_one_that_it_does_not_reach()
    {
        // The way between A and C is cut: B alone knows that A serves.
        _voters[B].Handle(Ms(5_000), new Confirm(s_first, new LeaseTerms(Whole, Ms(500), Ms(5_000))));
        Takeover takeover = Begin();
        Answer(takeover, Ms(5_010), C, B);
        Assert.Empty(takeover.Won());
        takeover.Retry();
        Answer(takeover, Ms(5_499), B);
        Assert.Empty(takeover.Won());
        takeover.Retry();
        Answer(takeover, Ms(5_500), B);
        Assert.Equal(Whole, Assert.Single(takeover.Won()).Span);
    }

    [Fact]
    public void Part_that_another_was_promised_is_not_won_with_the_rest()
    {
        _voters[B].Handle(Ms(5_000), new Prepare(s_half, BallotOf(9, A), Line));
        Takeover takeover = Begin();
        Answer(takeover, Ms(5_000), C, B);
        Assert.Equal(new KeySpan(Key.Zero, s_half.First - KeySpan.One), Assert.Single(takeover.Won()).Span);
        Assert.True(takeover.IsOutvoted);
        Assert.Equal(BallotOf(9, A), takeover.Highest);
    }

    void IPieceJournal.Append(PieceChange change) => Assert.NotNull(change.Piece);

    private Takeover Begin() => new(
        C, Whole, Line, BallotOf(2, C), (to, request) => _sent.Enqueue((to, request)));

    // Hands over what was sent, and answers for those that are reached.
    private void Answer(Takeover takeover, TimeSpan now, params Voter[] reached)
    {
        for (int left = _sent.Count; left > 0 || _sent.Any(sent => reached.Contains(sent.To)); left--)
        {
            (Voter to, VoterRequest request) = _sent.Dequeue();
            if (reached.Contains(to))
            {
                takeover.Handle(_voters[to].Handle(now, request));
            }
        }
    }
}
