using Igor.Dht.Protocol;

namespace Igor.Dht;

/// <summary>An operation of the DHT failed; the message says what to do.</summary>
public sealed class DhtException : Exception
{
    /// <summary>Makes an exception of a kind.</summary>
    public DhtException(DhtError error, string message, Exception? innerException = null)
        : base(message, innerException) => Error = error;

    /// <summary>Makes an exception about local trouble.</summary>
    public DhtException(string message, Exception? innerException)
        : this(DhtError.Local, message, innerException)
    {
    }

    /// <summary>Makes an exception about local trouble.</summary>
    public DhtException(string message)
        : this(DhtError.Local, message)
    {
    }

    /// <summary>Makes an exception about local trouble.</summary>
    public DhtException()
        : this(DhtError.Local, "The DHT failed.")
    {
    }

    /// <summary>What kind of thing went wrong.</summary>
    public DhtError Error { get; }

    /// <summary>
    /// The nodes that hold the record although the write failed; empty when none does, or none is known.
    /// </summary>
    public IReadOnlyList<Igor.Kbr.Key> Holders { get; init; } = [];
}
