namespace Igor.Dht.Storage.Index;

/// <summary>The index cannot be relied upon and is to be rebuilt from the segments.</summary>
internal sealed class IndexDamagedException(string message, Exception? cause = null)
    : IOException(message, cause);
