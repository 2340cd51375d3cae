namespace Igor.Dht.Storage.Index;

/// <summary>Whether the pages of an index are held in memory, and how many are. Thread-safe.</summary>
internal sealed class PageHold
{
    // 256 MiB: the whole index of some two million records, should it have to be made anew meanwhile.
    private const int PagesMax = 32 * 1024;

    private volatile bool _isHolding;
    private int _pages;

    /// <summary>Whether pages go to memory, not to the disk.</summary>
    public bool IsHolding => _isHolding;

    /// <summary>Number of pages held.</summary>
    public int Pages => Volatile.Read(ref _pages);

    /// <summary>From now on no page of the index goes to the disk.</summary>
    public void Begin() => _isHolding = true;

    /// <summary>All that was held is on the disk, and what is written goes there again.</summary>
    public void End()
    {
        Volatile.Write(ref _pages, 0);
        _isHolding = false;
    }

    /// <summary>Counts a page in; false when there are too many.</summary>
    public bool TryAdd()
    {
        if (Interlocked.Increment(ref _pages) <= PagesMax)
        {
            return true;
        }

        Interlocked.Decrement(ref _pages);
        return false;
    }

    /// <summary>Counts pages out that were cut off.</summary>
    public void Remove(int pages) => Interlocked.Add(ref _pages, -pages);
}
