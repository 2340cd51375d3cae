using System.Collections.Immutable;

namespace Igor.Dht.Protocol.Views;

/// <summary>The content of a register, as its coordinator wrote it.</summary>
/// <param name="Version">The version.</param>
/// <param name="Value">The value.</param>
/// <param name="IsDeleted">Whether it has none: it is a tombstone.</param>
/// <param name="Applied">
/// The last operations on it, the oldest first, so that one which is tried again is known to later
/// coordinators.
/// </param>
internal sealed record Register(
    RegisterVersion Version,
    ReadOnlyMemory<byte> Value,
    bool IsDeleted,
    ImmutableArray<AppliedOperation> Applied)
{
    /// <summary>Operations that are remembered with the register.</summary>
    public const int AppliedMax = 8;
}

/// <summary>
/// Orders what was committed to a register. Between two coordinators only their standing says which
/// uncommitted versions count: a higher one may have been given up.
/// </summary>
/// <param name="Ballot">The coordinator's.</param>
/// <param name="Sequence">Counts its writes from 1.</param>
internal readonly record struct RegisterVersion(Ballot Ballot, ulong Sequence) : IComparable<RegisterVersion>
{
    /// <summary>The version of a key that never had a register.</summary>
    public static RegisterVersion None => default;

    /// <summary>What clients know the version by; the default for none.</summary>
    public RegisterStamp Stamp =>
        this == None ? default : new(Ballot.Counter, Sequence, Ballot.Proposer.Mark);

    /// <inheritdoc/>
    public int CompareTo(RegisterVersion other)
    {
        int order = Ballot.CompareTo(other.Ballot);
        return order != 0 ? order : Sequence.CompareTo(other.Sequence);
    }

    /// <summary>Whether left is older.</summary>
    public static bool operator <(RegisterVersion left, RegisterVersion right) => left.CompareTo(right) < 0;

    /// <summary>Whether left is newer.</summary>
    public static bool operator >(RegisterVersion left, RegisterVersion right) => left.CompareTo(right) > 0;

    /// <summary>Whether left is older or the same.</summary>
    public static bool operator <=(RegisterVersion left, RegisterVersion right) => left.CompareTo(right) <= 0;

    /// <summary>Whether left is newer or the same.</summary>
    public static bool operator >=(RegisterVersion left, RegisterVersion right) => left.CompareTo(right) >= 0;

    /// <summary>Ballot and sequence.</summary>
    public override string ToString() => $"{Ballot}.{Sequence}";
}

/// <summary>What a voter holds of a key.</summary>
/// <param name="Version">
/// The version; of a damaged register of which no more is known, the latest that the ballot promised when it
/// was found may have made.
/// </param>
/// <param name="IsDamaged">Whether it cannot be read: its vote is neither this version nor "none".</param>
internal readonly record struct HeldRegister(RegisterVersion Version, bool IsDamaged)
{
    /// <summary>A register that cannot be read, by what was promised when it was found so.</summary>
    public static HeldRegister Damaged(Ballot promised) =>
        new(new RegisterVersion(promised, ulong.MaxValue), true);
}

/// <summary>Names one operation of a client, however often it is sent.</summary>
internal readonly record struct OperationId(ulong Client, ulong Number);

/// <summary>An operation that made a version.</summary>
/// <param name="Id">The operation.</param>
/// <param name="Version">The version that it made.</param>
/// <param name="AtUnixMs">When, by the coordinator's clock.</param>
internal readonly record struct AppliedOperation(OperationId Id, RegisterVersion Version, long AtUnixMs);
