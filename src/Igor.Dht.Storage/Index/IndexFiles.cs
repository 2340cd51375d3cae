using Igor.Dht.Storage.Segments;

// The two files under LiteDB. On a disk that is full or read-only the index goes on in memory: what LiteDB
// writes from then on is held, of both files at once, so that what lies on the disk stays a moment of the
// past, as a killed process leaves it. When there is room again, all that was held is written down.

namespace Igor.Dht.Storage.Index;

/// <summary>The data file of an index and its log.</summary>
internal sealed class IndexFiles : IDisposable
{
    private readonly PageHold _hold;

    private IndexFiles(PageHold hold, PageStream data, PageStream log)
    {
        _hold = hold;
        Data = data;
        Log = log;
    }

    /// <summary>The data file.</summary>
    public PageStream Data { get; }

    /// <summary>The log.</summary>
    public PageStream Log { get; }

    /// <summary>Whether pages go to memory, not to the disk.</summary>
    public bool IsHolding => _hold.IsHolding;

    /// <summary>Bytes of the pages that go to memory.</summary>
    public long HeldBytes => _hold.Pages * (long)PageStream.BlockBytes;

    /// <summary>The first failure of either, even if LiteDB kept silent about it; else null.</summary>
    public Exception? Failure => Data.Failure ?? Log.Failure;

    /// <summary>Bytes on disk, or held for it.</summary>
    public long DiskBytes => Data.DiskBytes + Log.DiskBytes;

    /// <summary>Pages read and written so far.</summary>
    public long PagesMoved => Data.PagesMoved + Log.PagesMoved;

    /// <summary>Opens the files in a folder, or makes empty ones.</summary>
    /// <exception cref="IndexDamagedException">The data file does not consist of whole pages.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static IndexFiles Open(string folder)
    {
        var hold = new PageHold();
        PageStream data = PageStream.Open(DataPath(folder), isLog: false, hold);
        try
        {
            return new IndexFiles(hold, data, PageStream.Open(LogPath(folder), isLog: true, hold));
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Makes empty files in place of those in a folder: in memory, if the disk is read-only.
    /// </summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public static IndexFiles Replace(string folder)
    {
        try
        {
            File.Delete(DataPath(folder));
            File.Delete(LogPath(folder));
        }
        catch (Exception e) when (DiskFault.IsRefusal(e))
        {
            var hold = new PageHold();
            return new IndexFiles(
                hold,
                PageStream.OpenEmpty(DataPath(folder), hold),
                PageStream.OpenEmpty(LogPath(folder), hold));
        }

        return Open(folder);
    }

    /// <summary>From now on nothing goes to the disk, until what is held is written.</summary>
    public void Hold() => _hold.Begin();

    /// <summary>
    /// Writes what is held to the disk. When this throws, the files are no index: a next start has to know
    /// that it cannot rely upon them.
    /// </summary>
    /// <exception cref="IOException">The disk is full or failed; try again later.</exception>
    /// <exception cref="UnauthorizedAccessException">The files may not be written.</exception>
    public void WriteHeld()
    {
        // LiteDB's own thread may be writing: what it writes comes before all of this, or after.
        lock (Data.Gate)
        {
            lock (Log.Gate)
            {
                Data.WriteHeld();
                Log.WriteHeld();
                _hold.End();
                Data.LetGo();
                Log.LetGo();
            }
        }
    }

    /// <summary>Forces everything to the disk.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public void FlushToDisk()
    {
        if (!IsHolding)
        {
            Data.FlushToDisk();
            Log.FlushToDisk();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Data.Dispose();
        Log.Dispose();
    }

    private static string DataPath(string folder) => Path.Combine(folder, "index.db");

    private static string LogPath(string folder) => Path.Combine(folder, "index-log.db");
}
