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

    /// <summary>Makes a view.</summary>
    /// <exception cref="ArgumentException">There are no voters, too many, or one of them twice.</exception>
    public View(Lineage lineage, ulong epoch, IEnumerable<Voter> voters)
    {
        Lineage = lineage;
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
    public View Successor(IEnumerable<Voter> voters) => new(Lineage, Epoch + 1, voters);

    /// <inheritdoc/>
    public bool Equals(View? other) => other is not null && Lineage == other.Lineage && Epoch == other.Epoch
        && Voters.AsSpan().SequenceEqual(other.Voters.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as View);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Lineage, Epoch);

    /// <summary>Epoch and voters.</summary>
    public override string ToString() => $"epoch {Epoch} of {string.Join(", ", Voters)}";
}
