using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// Which cells nobody coordinates, as far as this node and its neighbours know, and whether it is this node's
/// turn to take them over: at once for the nearest voter that is there, later for the others.
/// </summary>
internal sealed class UnledCells(ReplicaContext context, PieceDirectory directory, Voter self)
{
    /// <summary>How much longer the next voter waits than the one before it.</summary>
    private static readonly TimeSpan PatiencePerRank = TimeSpan.FromSeconds(3);

    /// <summary>How long whoever had the last promise may take before it serves.</summary>
    private static readonly TimeSpan PatienceToBegin = TimeSpan.FromSeconds(2);

    private readonly TimeSpan?[] _since = new TimeSpan?[RegisterCells.Count];

    /// <summary>Whether there are such cells that this node votes about.</summary>
    public bool HasAny => Array.Exists(_since, since => since is not null);

    /// <summary>Whether this node is to take a cell over now.</summary>
    /// <param name="now">The time.</param>
    /// <param name="cell">The cell.</param>
    /// <param name="piece">What this node keeps of it.</param>
    /// <param name="isTaken">Whether this node coordinates it, or is about to.</param>
    public bool IsDue(TimeSpan now, int cell, Piece piece, bool isTaken)
    {
        TimeSpan patience = TimeSpan.Zero;
        bool isVoter = piece.Standing != Ballot.None
            && (piece.View.Contains(self) || piece.Next?.View.Contains(self) == true);
        bool canWin = piece.View.HasQuorum(directory.IsGivenUp, IsHeard) && !directory.IsAwaitingAny;
        if (isTaken || !isVoter || !canWin || IsLed(cell, piece, out patience))
        {
            _since[cell] = null; // who hears too few voters does not try either
            return false;
        }

        _since[cell] ??= now;
        return now >= _since[cell] + patience + (RankOf(cell, piece) * PatiencePerRank);
    }

    /// <summary>
    /// Whether most voters of a view, or of the one to follow it, are dead for good: only who takes over
    /// begins a lineage without them.
    /// </summary>
    public bool IsToBeginAnew(View view, View? next) =>
        view.HasQuorum(directory.IsGivenUp, IsHeard)
        && (!view.HasMajority(IsHeard) || (next is not null && !next.HasMajority(IsHeard)
            && next.HasQuorum(directory.IsGivenUp, IsHeard)));

    /// <summary>Cells are taken over: should they be given up again, others have their turn anew.</summary>
    public void HandleTaken(int first, int last) => Array.Clear(_since, first, last - first + 1);

    // How many voters that are there are nearer.
    private int RankOf(int cell, Piece piece)
    {
        Key anchor = RegisterCells.AnchorOf(cell);
        return Election.MembersOf(piece.View, piece.Next).Count(voter => directory.IsThere(voter)
            && anchor.CompareNearness(voter.Node, self.Node) < 0);
    }

    private bool IsHeard(Voter voter) => voter == self || context.Membership.Alive.Contains(voter.Node);

    private bool IsLed(int cell, Piece piece, out TimeSpan patience)
    {
        patience = TimeSpan.Zero;
        Ballot highest = piece.Promised;
        if (directory.Find(highest.Proposer.Node, cell) is { Leadership: Leadership.Heard } heard
            && heard.Vote.Piece.Promised == highest)
        {
            return true;
        }

        foreach ((_, ToldPiece told) in directory.All(cell))
        {
            if (told.Vote.Piece.View.Lineage == piece.View.Lineage)
            {
                highest = Ballot.Max(highest, told.Vote.Piece.Promised);
            }
        }

        Voter coordinator = highest.Proposer;
        if (coordinator.Node == self.Node)
        {
            return false;
        }

        if (directory.IsAwaited(coordinator.Node))
        {
            return true;
        }

        if (directory.Find(coordinator.Node, cell) is { } own && own.Vote.Piece.Promised == highest)
        {
            patience = own.Leadership == Leadership.Over ? TimeSpan.Zero : PatienceToBegin;
            return own.Leadership == Leadership.Heard;
        }

        // Most voters hear a coordinator that this node does not: one link is cut, and no more.
        int hearing = directory.All(cell).Count(other => other.Told.Leadership == Leadership.Heard
            && other.Told.Vote.Piece.Promised == highest
            && piece.View.Voters.Any(voter => voter.Node == other.Node));
        patience = directory.IsThere(coordinator) ? PatienceToBegin : TimeSpan.Zero;
        return hearing > 0 && hearing + 1 >= piece.View.Majority;
    }
}
