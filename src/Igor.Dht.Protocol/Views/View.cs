using System.Collections.Immutable;

namespace Igor.Dht.Protocol.Views;

/// <summary>
/// Whose majorities decide about a key. Views of a lineage follow one another by epochs: each is decided by a
/// majority of the one before, so that there is one of each epoch.
/// </summary>
internal sealed class View : IEquatable<View>
{
    /// <summary>More voters make a majority dearer and hardly safer.</summary>
    public const int VotersMax = 7;

    /// <summary>Who was away while more than these followed one another is of a lineage of its own.</summary>
    public const int AncestorsMax = 16;

    /// <summary>Makes a view.</summary>
    /// <exception cref="ArgumentException">There are no voters, too many, or one of them twice.</exception>
    public View(
        Lineage lineage, ulong epoch, IEnumerable<Voter> voters, IEnumerable<Lineage>? ancestors = null)
    {
        Lineage = lineage;
        Ancestors = [.. (ancestors ?? []).Take(AncestorsMax)];
        Epoch = epoch;
        Voters = [.. voters.Order()];
        if (Voters.Length is 0 or > VotersMax
            || Voters.Select(voter => voter.Node).Distinct().Count() != Voters.Length)
        {
            throw new ArgumentException(
                $"A view has 1 to {VotersMax} voters on as many nodes.", nameof(voters));
        }
    }

    /// <summary>The line of descent.</summary>
    public Lineage Lineage { get; }

    /// <summary>
    /// The lineages that this one has taken the place of, the latest first: their views are void.
    /// </summary>
    public ImmutableArray<Lineage> Ancestors { get; }

    /// <summary>1 for the first view of a lineage.</summary>
    public ulong Epoch { get; }

    /// <summary>The voters, in their order.</summary>
    public ImmutableArray<Voter> Voters { get; }

    /// <summary>Voters that any decision needs.</summary>
    public int Majority => (Voters.Length / 2) + 1;

    /// <summary>Whether a voter is one of the view, in this incarnation.</summary>
    public bool Contains(Voter voter) => Voters.Contains(voter);

    /// <summary>Whether a majority of the voters is as asked.</summary>
    public bool HasMajority(Func<Voter, bool> isAsAsked) => Voters.Count(isAsAsked) >= Majority;

    /// <summary>The view that follows, with other voters.</summary>
    public View Successor(IEnumerable<Voter> voters) => new(Lineage, Epoch + 1, voters, Ancestors);

    /// <summary>The view that follows, of a lineage that has taken the place of another one too.</summary>
    public View Replacing(Lineage other) => new(Lineage, Epoch + 1, Voters, [other, .. Ancestors]);

    /// <summary>
    /// The first view of the lineage that those begin who are left when all others are dead for good. It
    /// follows from who they are, so that two attempts begin the same one.
    /// </summary>
    public View Child(ulong epoch, IReadOnlyList<Voter> left) => new(
        Lineage.ChildOf(left), epoch, left, [Lineage, .. Ancestors]);

    /// <summary>Whether a lineage has ended with the one of this view, or before.</summary>
    public bool DescendsFrom(Lineage lineage) => Ancestors.Contains(lineage);

    /// <summary>Whether another view has taken the place of this one.</summary>
    public bool IsSupersededBy(View other) =>
        other.Lineage == Lineage ? other.Epoch > Epoch : other.DescendsFrom(Lineage);

    /// <summary>
    /// Whether voters can decide about the view: a majority; or, where too many are given up for that, all
    /// who are left. Any two of these have a voter in common, unless they give up one another.
    /// </summary>
    public bool HasQuorum(Func<Voter, bool> isGivenUp, Func<Voter, bool> isAsAsked)
    {
        if (HasMajority(isAsAsked))
        {
            return true;
        }

        Voter[] left = [.. Voters.Where(voter => !isGivenUp(voter))];
        return left.Length < Majority && left.All(isAsAsked);
    }

    /// <inheritdoc/>
    public bool Equals(View? other) => other is not null && Lineage == other.Lineage && Epoch == other.Epoch
        && Voters.AsSpan().SequenceEqual(other.Voters.AsSpan())
        && Ancestors.AsSpan().SequenceEqual(other.Ancestors.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as View);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Lineage, Epoch);

    /// <summary>Epoch and voters.</summary>
    public override string ToString() => $"epoch {Epoch} of {string.Join(", ", Voters)}";
}
