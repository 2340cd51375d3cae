using Igor.Kbr;

namespace Igor.Dht.Protocol.Machines;

/// <summary>What is done to a register.</summary>
public enum RegisterVerb
{
    /// <summary>Read it.</summary>
    Get,

    /// <summary>Write a value.</summary>
    Put,

    /// <summary>Take its value away.</summary>
    Delete,
}

/// <summary>What has to hold for a write to be done.</summary>
public enum RegisterPrecondition
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It has no value.</summary>
    Absent,

    /// <summary>It has the version that is given.</summary>
    Version,
}

/// <summary>An operation on a register.</summary>
public sealed record DhtRegisterCall
{
    /// <summary>Which register.</summary>
    public required Key Key { get; init; }

    /// <summary>What to do.</summary>
    public required RegisterVerb Verb { get; init; }

    /// <summary>The value to write; it is copied when the operation begins.</summary>
    public ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>What has to hold for a write to be done.</summary>
    public RegisterPrecondition Precondition { get; init; }

    /// <summary>The version that has to be there.</summary>
    public RegisterStamp Expected { get; init; }

    /// <summary>Time after which the operation ends, retries included.</summary>
    public required TimeSpan Timeout { get; init; }
}
