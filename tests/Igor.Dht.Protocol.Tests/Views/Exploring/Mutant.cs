using Igor.Dht.Protocol.Views;

namespace Igor.Dht.Protocol.Tests.Views.Exploring;

/// <summary>
/// A rule that is broken on purpose, around the protocol's code: by what is told to it, or done of what it
/// says.
/// </summary>
public enum Mutant
{
    None,

    /// <summary>All who promise are sources, whatever they stand with: the newest version wins.</summary>
    IgnoreStanding,

    /// <summary>
    /// Newcomers of a proposed view are taken at their word for stores, installs and leases unasked.
    /// </summary>
    OldMajorityOnly,

    /// <summary>A restarted coordinator takes its last ballot again.</summary>
    ReuseBallot,

    /// <summary>A store that was lost, or brought back from a copy, keeps its incarnation.</summary>
    ForgetIncarnation,

    /// <summary>A voter's newer versions are left where the state has older ones.</summary>
    MergeInsteadOfReplace,

    /// <summary>Leases count from when the answer came.</summary>
    LeaseFromReceipt,

    /// <summary>Answers leave before what they stand on is durable.</summary>
    SkipSync,

    /// <summary>A write is answered when it is with the coordinator, whoever else has it.</summary>
    AnswerUncommitted,

    /// <summary>Whoever asks for leases takes all voters for having granted them.</summary>
    LeaseWithoutMajority,
}

/// <summary>What a mutant is told in the place of what a voter answered.</summary>
internal static class MutantReply
{
    /// <summary>The reply as a takeover hears it.</summary>
    public static VoterReply ToTakeover(this Mutant mutant, VoterReply reply) =>
        mutant == Mutant.IgnoreStanding
            ? reply with { Votes = [.. reply.Votes.Select(WithoutStanding)] }
            : reply;

    /// <summary>The reply as a reign hears it.</summary>
    public static VoterReply ToReign(this Mutant mutant, TimeSpan now, VoterReply reply) =>
        mutant == Mutant.LeaseFromReceipt && reply.Request is Confirm confirm
            ? reply with { Request = confirm with { Terms = confirm.Terms with { SentAt = now } } }
            : reply;

    private static PieceVote WithoutStanding(PieceVote vote) => vote.Piece.Standing == Ballot.None
        ? vote
        : vote with { Piece = vote.Piece with { Standing = new Ballot(1, default) } };
}
