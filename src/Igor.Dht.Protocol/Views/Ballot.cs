namespace Igor.Dht.Protocol.Views;

/// <summary>
/// Orders the coordinators of a key (Lamport, "The Part-Time Parliament", 1998). A ballot is used once: its
/// proposer syncs its own promise before anybody else hears of it, and a store without that promise is
/// another incarnation, whose ballots are others.
/// </summary>
/// <param name="Counter">Higher than every one that the proposer has seen.</param>
/// <param name="Proposer">Tells apart those who chose the same counter.</param>
internal readonly record struct Ballot(ulong Counter, Voter Proposer) : IComparable<Ballot>
{
    /// <summary>Lower than every ballot that is used.</summary>
    public static Ballot None => default;

    /// <inheritdoc/>
    public int CompareTo(Ballot other)
    {
        int order = Counter.CompareTo(other.Counter);
        return order != 0 ? order : Proposer.CompareTo(other.Proposer);
    }

    /// <summary>The higher of two.</summary>
    public static Ballot Max(Ballot left, Ballot right) => left > right ? left : right;

    /// <summary>Whether left is lower.</summary>
    public static bool operator <(Ballot left, Ballot right) => left.CompareTo(right) < 0;

    /// <summary>Whether left is higher.</summary>
    public static bool operator >(Ballot left, Ballot right) => left.CompareTo(right) > 0;

    /// <summary>Whether left is lower or the same.</summary>
    public static bool operator <=(Ballot left, Ballot right) => left.CompareTo(right) <= 0;

    /// <summary>Whether left is higher or the same.</summary>
    public static bool operator >=(Ballot left, Ballot right) => left.CompareTo(right) >= 0;

    /// <summary>Counter and proposer.</summary>
    public override string ToString() => $"{Counter}@{Proposer}";
}
