namespace Igor.Dht.Protocol.Views;

/// <summary>Settings of a coordinator.</summary>
internal sealed record ReignOptions
{
    /// <summary>
    /// How long leases last, up to <see cref="GrantedLeases.LengthMax"/>: some round trips.
    /// </summary>
    public TimeSpan LeaseLength { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>After which time without an answer a request is repeated.</summary>
    public TimeSpan RetryInterval { get; init; } = TimeSpan.FromMilliseconds(100);
}
