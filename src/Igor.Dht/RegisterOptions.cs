using Igor.Dht.Protocol;

namespace Igor.Dht;

/// <summary>How an operation on a register is done.</summary>
public sealed record RegisterOptions
{
    /// <summary>The defaults.</summary>
    public static RegisterOptions Default { get; } = new();

    /// <summary>Write or delete only if this version is there; null, the default, for any.</summary>
    public RegisterStamp? IfVersion { get; init; }

    /// <summary>Write only if the register has no value: never written, or deleted.</summary>
    /// <value>Default: false.</value>
    public bool IfAbsent { get; init; }

    /// <summary>
    /// Time after which the operation gives up, 0.1 s to 10 min; null, the default, for the one of the DHT.
    /// </summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Throws when an option is out of its range.</summary>
    internal void Validate()
    {
        if (Timeout is { } timeout)
        {
            IgorDhtOptions.CheckTimeout(timeout);
        }

        if (IfAbsent && IfVersion is not null)
        {
            throw new ArgumentException(
                $"{nameof(IfAbsent)} and {nameof(IfVersion)} cannot both hold: name one.", nameof(IfVersion));
        }
    }
}
