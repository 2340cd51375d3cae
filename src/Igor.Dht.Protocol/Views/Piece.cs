namespace Igor.Dht.Protocol.Views;

/// <summary>
/// What a voter keeps durably about each key of a piece of the ring.
/// </summary>
/// <param name="View">The latest view that it knows to be decided.</param>
/// <param name="Promised">Coordinators of lower ballots are refused.</param>
/// <param name="Standing">
/// The coordinator that made this voter's registers exactly its own: they are its state, and what it wrote
/// since. Who never stood has no vote.
/// </param>
/// <param name="StandingEpoch">
/// The epoch of the view that this coordinator served: the one after it may have this voter, also if it was
/// not told.
/// </param>
/// <param name="Next">The view that this voter accepted to follow, which may be decided or not.</param>
internal sealed record Piece(
    View View, Ballot Promised, Ballot Standing, ulong StandingEpoch, NextView? Next)
{
    /// <summary>
    /// The piece once it is known that a view was decided. Where its lineage has taken the place of this
    /// one's, nothing of what this voter was counts any more.
    /// </summary>
    public Piece Knowing(View decided) =>
        !View.IsSupersededBy(decided) ? this
        : decided.Lineage != View.Lineage ? this with { View = decided, StandingEpoch = 0, Next = null }
        : this with { View = decided, Next = Next?.View.Epoch > decided.Epoch ? Next : null };
}

/// <summary>A view that a coordinator proposes as the next.</summary>
/// <param name="Ballot">
/// The coordinator's; of two proposals that voters accepted the higher one may be decided.
/// </param>
/// <param name="View">The view.</param>
internal sealed record NextView(Ballot Ballot, View View);
