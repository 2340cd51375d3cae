namespace Igor.Node.Reporting;

/// <summary>
/// A node cannot start because of something on this machine; the message says what, and what to do.
/// </summary>
public sealed class NodeStartException : Exception
{
    /// <summary>Makes an exception with a message for people.</summary>
    public NodeStartException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message for people and its cause.</summary>
    public NodeStartException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes an exception without a message.</summary>
    public NodeStartException()
    {
    }

    /// <summary>Whether the cause is that another process uses the data folder, which may pass.</summary>
    public bool IsFolderInUse { get; init; }
}
