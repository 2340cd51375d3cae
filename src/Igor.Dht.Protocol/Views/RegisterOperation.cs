using Igor.Kbr;

namespace Igor.Dht.Protocol.Views;

/// <summary>An operation of a client on a register.</summary>
internal sealed record RegisterOperation
{
    /// <summary>The same however often it is sent.</summary>
    public required OperationId Id { get; init; }

    /// <summary>When the client began, by its clock.</summary>
    public required long StartedAtUnixMs { get; init; }

    /// <summary>
    /// The ballot of the coordinator under which the client began; none when it knew nobody. A later
    /// coordinator that did not find a conditional operation done does not do it either: its client, which
    /// has no answer yet and takes none any more that was given under the earlier ballot, begins anew under
    /// its.
    /// </summary>
    public Ballot Reign { get; init; }

    /// <summary>Which register.</summary>
    public required Key Key { get; init; }

    /// <summary>Whether it only reads.</summary>
    public bool IsRead { get; init; }

    /// <summary>The value that it writes.</summary>
    public ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>Whether it deletes instead.</summary>
    public bool IsDelete { get; init; }

    /// <summary>What has to hold for it to be done; null for nothing.</summary>
    public RegisterCondition? Condition { get; init; }
}

/// <summary>What has to hold of a register for a write to be done.</summary>
/// <param name="Expected">
/// The version that has to be there; null for no value: never written, or deleted.
/// </param>
internal sealed record RegisterCondition(RegisterStamp? Expected)
{
    /// <summary>Whether it holds.</summary>
    public bool IsMet(Register? held) =>
        held is null or { IsDeleted: true } ? Expected is null : Expected == held.Version.Stamp;
}

/// <summary>How an operation ended.</summary>
/// <param name="Outcome">What happened.</param>
/// <param name="Version">The version that was written, or is there.</param>
/// <param name="Found">What a read found; null for no value.</param>
internal sealed record RegisterAnswer(RegisterOutcome Outcome, RegisterVersion Version, Register? Found)
{
    /// <summary>
    /// The ballot of the coordinator that answers, by which its clients begin what follows; none from who is
    /// none. With <see cref="RegisterOutcome.NotServed"/>: nobody did the operation, and it would do it if it
    /// had begun under this ballot.
    /// </summary>
    public Ballot Reign { get; init; }

    /// <summary>It may have been done, or be done yet.</summary>
    public static readonly RegisterAnswer Unknown = new(RegisterOutcome.Unknown, RegisterVersion.None, null);

    /// <summary>
    /// This copy was not done and will not be: this is not the coordinator, or it has too much to do.
    /// </summary>
    public static readonly RegisterAnswer NotServed =
        new(RegisterOutcome.NotServed, RegisterVersion.None, null);

    /// <summary>It was done.</summary>
    public static RegisterAnswer Applied(RegisterVersion version) =>
        new(RegisterOutcome.Applied, version, null);

    /// <summary>Its condition did not hold.</summary>
    public static RegisterAnswer NotMet(Register? held) => new(RegisterOutcome.NotMet, VersionOf(held), null);

    /// <summary>It was read.</summary>
    public static RegisterAnswer Read(Register? held) =>
        new(RegisterOutcome.Read, VersionOf(held), held is { IsDeleted: true } ? null : held);

    private static RegisterVersion VersionOf(Register? held) => held?.Version ?? RegisterVersion.None;
}

/// <summary>What became of an operation.</summary>
internal enum RegisterOutcome
{
    /// <summary>It was done, once.</summary>
    Applied,

    /// <summary>Its condition did not hold, so that it was not done.</summary>
    NotMet,

    /// <summary>It was read.</summary>
    Read,

    /// <summary>It may have been done, or be done yet.</summary>
    Unknown,

    /// <summary>This copy of it was not done and will not be.</summary>
    NotServed,
}
