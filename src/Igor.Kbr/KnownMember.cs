namespace Igor.Kbr;

/// <summary>A member of the ring that a node knows and may find again after a restart.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Addresses">Addresses (host:port) where it can be reached, 1 to 4.</param>
public sealed record KnownMember(Key Id, ImmutableArray<string> Addresses);
