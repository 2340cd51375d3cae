using Igor.Kbr;

namespace Igor.Dht.Protocol.Machines;

/// <summary>Why an operation failed.</summary>
/// <param name="Error">What kind of thing went wrong.</param>
/// <param name="Message">For people: what happened, and what to do.</param>
/// <param name="Holders">The nodes that hold the record nevertheless.</param>
public sealed record DhtFailure(DhtError Error, string Message, IReadOnlyList<Key> Holders)
{
    /// <summary>A failure that left no copy that is known of.</summary>
    public DhtFailure(DhtError error, string message)
        : this(error, message, [])
    {
    }
}

/// <summary>The end of an operation: one of these.</summary>
public sealed record OperationResult
{
    /// <summary>What a put or delete left behind.</summary>
    public PutReceipt? Receipt { get; init; }

    /// <summary>What a get found.</summary>
    public GetResult? Got { get; init; }

    /// <summary>How an operation on a register ended.</summary>
    public RegisterResult? Register { get; init; }

    /// <summary>Why it failed.</summary>
    public DhtFailure? Failure { get; init; }
}
