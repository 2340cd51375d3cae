using Igor.Dht.Storage.Segments;

// The marker says that the index may be relied upon, so it goes before the index on the disk becomes anything
// but an index of a moment in the past, and comes back after. A full disk lets it be deleted; a read-only one
// does not, but lets nothing else be changed either.

namespace Igor.Dht.Storage.State;

/// <summary>Keeps the marker of an open store right.</summary>
internal sealed class MarkerKeeper(string folder)
{
    private readonly string _bootId = StoreMarker.PresentBootId();

    /// <summary>Whether the marker on the disk is that of this run.</summary>
    public bool IsWritten { get; private set; }

    /// <summary>Says that the store is open.</summary>
    /// <returns>Why the disk does not take it now; null when it did.</returns>
    public Exception? TryWrite()
    {
        try
        {
            new StoreMarker(StoreMarker.CurrentFormat, _bootId, IsClosed: false).Write(folder);
            IsWritten = true;
            return null;
        }
        catch (Exception e) when (DiskFault.IsRefusal(e))
        {
            IsWritten = false;
            return e;
        }
    }

    /// <summary>Makes a next start build the index anew.</summary>
    /// <exception cref="IOException">The disk is read-only or failed.</exception>
    public void Withdraw()
    {
        IsWritten = false;
        StoreMarker.Delete(folder);
    }

    /// <summary>Says that the store was closed in order.</summary>
    /// <exception cref="IOException">The disk is full, read-only or failed.</exception>
    public void WriteClosed() =>
        new StoreMarker(StoreMarker.CurrentFormat, _bootId, IsClosed: true).Write(folder);
}
