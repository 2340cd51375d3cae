namespace Igor.Dht.Storage;

/// <summary>
/// A store could not be opened, backed up or restored; the message says why and what to do next.
/// </summary>
public sealed class RecordStoreException : Exception
{
    /// <summary>Makes an exception without a message.</summary>
    public RecordStoreException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    public RecordStoreException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and its cause.</summary>
    public RecordStoreException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
