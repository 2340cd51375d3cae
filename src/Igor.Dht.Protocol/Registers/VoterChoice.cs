using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// Who is to vote about which cells, as the ring proposes: the root and as many on each side, 1, 3 or 5. A
/// newcomer waits its time, since a guest that is killed must not block; a voter that is gone is waited for,
/// since moving registers costs more than a short absence.
/// </summary>
internal sealed class VoterChoice(ReplicaContext context, PieceDirectory directory, Voter self)
{
    private const int AvoidedMax = 64;

    /// <summary>
    /// A change that is not done by then is given up, and its newcomers are avoided for a while.
    /// </summary>
    private static readonly TimeSpan ChangeMax = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan AvoidFor = TimeSpan.FromMinutes(2);

    /// <summary>How much longer one is waited for that said that it leaves: mostly it is restarted.</summary>
    private const int LeaversFactor = 6;

    private readonly Dictionary<Voter, TimeSpan> _avoided = [];

    /// <summary>Whether a change has taken too long.</summary>
    public bool IsOverdue(TimeSpan since) => context.Now.Monotonic > since + ChangeMax;

    /// <summary>Newcomers did not come to stand: they are not asked for again soon.</summary>
    public void Avoid(IEnumerable<Voter> voters)
    {
        foreach (Voter voter in voters)
        {
            if (_avoided.Count >= AvoidedMax)
            {
                _avoided.Clear();
            }

            _avoided[voter] = context.Now.Monotonic + AvoidFor;
        }
    }

    /// <summary>Those who may vote about a span, each node once, in the order of the ring.</summary>
    public Voter[] MembersOf(View view, KeySpan span)
    {
        var members = new SortedDictionary<Key, Voter> { [self.Node] = self };
        foreach (Voter voter in view.Voters.Where(IsKept))
        {
            members.TryAdd(voter.Node, voter);
        }

        // Who takes the place of one that goes for good need not have been there for long.
        bool isPressing = HasDrainer(view);
        foreach (Voter voter in directory.Voters.Where(v => MayJoin(v, view.Lineage, span, isPressing)))
        {
            members[voter.Node] = voter;
        }

        foreach (Key goes in members.Keys.Where(context.Membership.Drainers.Contains).ToList())
        {
            if (members.Count > 1)
            {
                members.Remove(goes);
            }
        }

        // Where not all of the ring is seen, it is cut open on the side that is farthest away.
        Key cut = self.Node + Key.PowerOfTwo(255);
        return [.. members.Values.OrderBy(voter => voter.Node - cut)];
    }

    /// <summary>The member that is the root of a cell, of those that are there.</summary>
    public Voter RootOf(int cell, Voter[] members)
    {
        Key anchor = RegisterCells.AnchorOf(cell);
        Comparer<Key> nearness = Comparer<Key>.Create(anchor.CompareNearness);
        return members.Where(directory.IsThere).DefaultIfEmpty(self).MinBy(voter => voter.Node, nearness);
    }

    /// <summary>
    /// The voters around a root, in their order; null where the view is to stay as it is: two have no
    /// majority when one of them is gone, and three become one only when one of them goes for good.
    /// </summary>
    public IReadOnlyList<Voter>? VotersFor(View view, Voter root, Voter[] members)
    {
        int count = members.Length >= 5 ? 5 : members.Length >= 3 ? 3 : 1;
        if ((count == 1 && !HasDrainer(view)) || !members.Contains(root))
        {
            return null;
        }

        int first = Array.IndexOf(members, root) - (count / 2);
        if (!context.Membership.Neighbours.IsWholeRing)
        {
            first = Math.Clamp(first, 0, members.Length - count);
        }

        return
        [
            .. Enumerable.Range(first, count)
                .Select(at => members[(at + members.Length) % members.Length]).Order(),
        ];
    }

    private bool HasDrainer(View view) =>
        view.Voters.Any(voter => context.Membership.Drainers.Contains(voter.Node));

    private bool IsKept(Voter voter)
    {
        if (directory.IsThere(voter))
        {
            return true;
        }

        if (directory.IsGivenUp(voter))
        {
            return false;
        }

        (TimeSpan span, bool hasFailed) = directory.AbsenceOf(voter);
        TimeSpan max = context.Options.ReplaceVoterAfter;
        return span < (hasFailed ? max : max * LeaversFactor);
    }

    private bool MayJoin(Voter voter, Lineage lineage, KeySpan span, bool isPressing)
    {
        if (directory.AgeOf(voter) is not { } age || (age < context.Options.VoteAfter && !isPressing)
            || (_avoided.TryGetValue(voter, out TimeSpan until) && context.Now.Monotonic < until))
        {
            return false;
        }

        // Whoever votes in another lineage keeps to it.
        return RegisterCells.Of(span).All(cell =>
            directory.Find(voter.Node, cell) is not { } told || told.Vote.Piece.View.Lineage == lineage);
    }
}
