using Igor.Dht.Protocol.Ring;

namespace Igor.Dht.Protocol.Views;

/// <summary>A voter's answer. It leaves when all that the voter wrote before is durable.</summary>
/// <param name="From">Who answers, in its incarnation: any other is not who was asked.</param>
/// <param name="Request">What was asked.</param>
/// <param name="Verdict">What became of it.</param>
internal sealed record VoterReply(Voter From, VoterRequest Request, VoterVerdict Verdict)
{
    /// <summary>The highest ballot that is promised among the keys asked for.</summary>
    public Ballot Promised { get; init; }

    /// <summary>The lease that is granted from now on; 0 for none.</summary>
    public TimeSpan Lease { get; init; }

    /// <summary>
    /// To <see cref="Prepare"/>: what is kept of each piece, in order; without what is not kept.
    /// </summary>
    public IReadOnlyList<PieceVote> Votes { get; init; } = [];
}

/// <summary>What became of a request.</summary>
internal enum VoterVerdict
{
    /// <summary>It was done, or had been before. To Prepare: of those pieces that carry the ballot.</summary>
    Done,

    /// <summary>To a store: what is held is this, or later, and stays.</summary>
    Kept,

    /// <summary>To a store: what is held is damaged, and may be later than this.</summary>
    Damaged,

    /// <summary>Another ballot is promised for some of the keys.</summary>
    Outvoted,

    /// <summary>A lease runs, or may: ask again.</summary>
    Leased,

    /// <summary>Nothing is kept of some of the keys, so that there is no vote either.</summary>
    NoPiece,

    /// <summary>The map has no room to divide the piece.</summary>
    Full,
}

/// <summary>What a voter keeps of a piece.</summary>
/// <param name="Span">The keys of the piece, as far as they were asked for.</param>
/// <param name="Piece">What is kept; it promised to whom its ballot says.</param>
internal readonly record struct PieceVote(KeySpan Span, Piece Piece);
