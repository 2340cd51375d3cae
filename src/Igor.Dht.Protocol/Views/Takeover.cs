using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Views;

/// <summary>
/// A voter's attempt to become the coordinator of a span, from its first Prepare until promises of majorities
/// are there. Its own promise is durable before anybody else hears of the ballot. Voters keep different
/// pieces of the span: it is judged for each part of which all that answered keep one piece.
/// </summary>
internal sealed class Takeover
{
    private readonly Action<Voter, VoterRequest> _send;
    private readonly SortedDictionary<Voter, VoterReply> _replies = [];
    private readonly SortedSet<Voter> _asked = [];
    private readonly Prepare _prepare;
    private readonly Voter _self;
    private readonly Func<Voter, bool>? _isGivenUp;

    /// <summary>Begins, with the own promise.</summary>
    /// <param name="self">Who would be coordinator.</param>
    /// <param name="span">The keys.</param>
    /// <param name="lineage">Pieces of others are left alone.</param>
    /// <param name="ballot">Higher than all that were seen; its proposer is this voter.</param>
    /// <param name="send">Sends to a voter, this one too.</param>
    /// <param name="isGivenUp">Who is dead for good, because somebody said so.</param>
    public Takeover(
        Voter self,
        KeySpan span,
        Lineage lineage,
        Ballot ballot,
        Action<Voter, VoterRequest> send,
        Func<Voter, bool>? isGivenUp = null)
    {
        _isGivenUp = isGivenUp;
        _self = self;
        _send = send;
        _prepare = new Prepare(span, ballot, lineage);
        Ask(self);
    }

    /// <summary>Under which it would serve.</summary>
    public Ballot Ballot => _prepare.Ballot;

    /// <summary>
    /// The highest ballot that was heard of: when it is not the own one, another try has to be higher.
    /// </summary>
    public Ballot Highest { get; private set; }

    /// <summary>
    /// Whether a higher ballot is promised to somebody, so that this one had better not go on.
    /// </summary>
    public bool IsOutvoted => Highest > Ballot;

    /// <summary>A voter answered.</summary>
    public void Handle(VoterReply reply)
    {
        if (!_asked.Contains(reply.From) || reply.Request != _prepare)
        {
            return;
        }

        _replies[reply.From] = reply;
        Highest = Ballot.Max(Highest, reply.Promised);
        if (!_replies.TryGetValue(_self, out VoterReply? own)
            || !own.Votes.Any(vote => vote.Piece.Promised == Ballot))
        {
            return;
        }

        Piece[] known = [.. _replies.Values.SelectMany(heard => heard.Votes).Select(vote => vote.Piece)];
        foreach (Piece piece in known.Where(piece => piece.View.Lineage == _prepare.Lineage))
        {
            foreach (Voter voter in Election.MembersOf(piece.View, piece.Next).Except(_asked))
            {
                Ask(voter);
            }
        }
    }

    /// <summary>Asks those again who did not promise all, or not yet answer.</summary>
    public void Retry()
    {
        foreach (Voter voter in _asked)
        {
            if (_replies.GetValueOrDefault(voter)?.Verdict != VoterVerdict.Done)
            {
                _send(voter, _prepare);
            }
        }
    }

    /// <summary>
    /// The keys that are won, in pieces as large as may be: those of which majorities promised, and of which
    /// this node is a voter. The attempt is over when they are taken.
    /// </summary>
    public IReadOnlyList<WonPiece> Won()
    {
        var won = new List<WonPiece>();
        foreach (KeySpan part in Parts())
        {
            if (Judge(part) is { } election)
            {
                won.Add(new WonPiece(part, Ballot, election));
            }
        }

        return won;
    }

    private Election? Judge(KeySpan part)
    {
        var votes = new List<(Voter, Piece)>(_replies.Count);
        foreach (VoterReply reply in _replies.Values)
        {
            foreach (PieceVote vote in reply.Votes)
            {
                if (vote.Span.First <= part.First && vote.Span.Last >= part.Last)
                {
                    votes.Add((reply.From, vote.Piece));
                }
            }
        }

        Election? election = Election.Judge(Ballot, _prepare.Lineage, votes, _isGivenUp);
        return election?.Promised.Contains(_self) == true ? election : null;
    }

    // Between two of the keys at which a piece begins or ends with some voter, nothing changes.
    private IEnumerable<KeySpan> Parts()
    {
        KeySpan span = _prepare.Span;
        var starts = new SortedSet<Key> { span.First };
        foreach (PieceVote vote in _replies.Values.SelectMany(reply => reply.Votes))
        {
            starts.Add(vote.Span.First);
            if (vote.Span.Last < span.Last)
            {
                starts.Add(vote.Span.Last + KeySpan.One);
            }
        }

        Key first = span.First;
        foreach (Key start in starts.Skip(1))
        {
            yield return new KeySpan(first, start - KeySpan.One);
            first = start;
        }

        yield return new KeySpan(first, span.Last);
    }

    private void Ask(Voter voter)
    {
        _asked.Add(voter);
        _send(voter, _prepare);
    }
}
