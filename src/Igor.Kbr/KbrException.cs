namespace Igor.Kbr;

/// <summary>A node or daemon refused or could not do something; the message says what to do.</summary>
public sealed class KbrException : Exception
{
    /// <summary>Makes an exception with a message for people.</summary>
    public KbrException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message for people and its cause.</summary>
    public KbrException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes an exception without a message.</summary>
    public KbrException()
    {
    }
}
