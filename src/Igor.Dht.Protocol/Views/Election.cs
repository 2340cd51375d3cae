using System.Collections.Immutable;
using Igor.Dht.Protocol.Ring;

namespace Igor.Dht.Protocol.Views;

/// <summary>
/// What a majority's promises say about keys of which all voters keep the same everywhere: who decides about
/// them, and whose registers are their state.
/// </summary>
/// <param name="View">The latest decided view.</param>
/// <param name="Next">A view that may be decided to follow it, and has to be proposed again, exactly.</param>
/// <param name="Promised">The voters of both that promised.</param>
/// <param name="Sources">
/// Those of them with the highest standing. Whatever was committed is with one of these; what others hold may
/// be newer by its version, and yet be something that a later coordinator gave up.
/// </param>
internal sealed record Election(
    View View, NextView? Next, ImmutableArray<Voter> Promised, ImmutableArray<Voter> Sources)
{
    /// <summary>
    /// Judges votes; null while they are no majority of the latest view, and of the next. Where too many
    /// voters are given up for that, all who are left have to have promised, and begin another lineage.
    /// </summary>
    public static Election? Judge(
        Ballot ballot,
        Lineage lineage,
        IReadOnlyList<(Voter Voter, Piece Piece)> votes,
        Func<Voter, bool>? isGivenUp = null)
    {
        (Voter Voter, Piece Piece)[] kin = [.. votes.Where(vote => vote.Piece.View.Lineage == lineage)];
        if (kin.Length == 0)
        {
            return null;
        }

        View view = kin.Select(vote => vote.Piece.View).MaxBy(known => known.Epoch)!;
        Dictionary<Voter, Piece> promised = kin
            .Where(vote => vote.Piece.Promised == ballot && vote.Piece.Standing != Ballot.None)
            .ToDictionary(vote => vote.Voter, vote => vote.Piece);
        NextView? next = view.Voters
            .Select(voter => promised.GetValueOrDefault(voter)?.Knowing(view).Next)
            .MaxBy(proposed => proposed?.Ballot ?? Ballot.None);
        isGivenUp ??= static _ => false;
        if (!view.HasQuorum(isGivenUp, promised.ContainsKey)
            || next?.View.HasQuorum(isGivenUp, promised.ContainsKey) == false)
        {
            return null;
        }

        Voter[] voters = [.. MembersOf(view, next).Where(promised.ContainsKey)];
        if (!HasMajorities(view, next, promised.ContainsKey))
        {
            voters = voters.Length <= View.VotersMax ? voters : [.. voters.Where(view.Contains)];
            view = view.Child((next?.View ?? view).Epoch + 1, voters);
            next = null;
        }

        Ballot highest = voters.Max(voter => promised[voter].Standing);
        return new Election(
            view, next, [.. voters], [.. voters.Where(voter => promised[voter].Standing == highest)]);
    }

    /// <summary>The voters of a view and of the one that may follow it, each once, in their order.</summary>
    public static IEnumerable<Voter> MembersOf(View view, NextView? next) =>
        view.Voters.Concat(next?.View.Voters ?? []).Distinct().Order();

    /// <summary>
    /// Whether voters are a majority of the view, and of the next as long as one may be decided.
    /// </summary>
    public static bool HasMajorities(View view, NextView? next, Func<Voter, bool> isAsAsked) =>
        view.HasMajority(isAsAsked) && next?.View.HasMajority(isAsAsked) != false;
}

/// <summary>Keys that a coordinator may serve once it has brought a majority to their state.</summary>
/// <param name="Span">The keys.</param>
/// <param name="Ballot">Under which.</param>
/// <param name="Election">What the voters said.</param>
internal sealed record WonPiece(KeySpan Span, Ballot Ballot, Election Election);
