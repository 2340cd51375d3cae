namespace Igor.Dht.Storage.Segments;

/// <summary>Says what is wrong with a disk, and what to do, in words for people.</summary>
internal static class DiskFault
{
    private const int InputOutputError = 5;
    private const int TooManyFiles = 24;
    private const int NoSpace = 28;
    private const int ReadOnlyFileSystem = 30;
    private const int DiskQuota = 122;
    private const int WindowsDiskFull = unchecked((int)0x80070070);

    /// <summary>Whether an exception tells of the disk, not of a bug.</summary>
    public static bool IsOfDisk(Exception e) => e is IOException or UnauthorizedAccessException;

    /// <summary>
    /// Whether the disk takes no more for now, or lets nothing be written, but reads.
    /// </summary>
    public static bool IsRefusal(Exception e) => e is UnauthorizedAccessException || IsFull(e)
        || e is IOException { HResult: ReadOnlyFileSystem };

    /// <summary>Whether the disk, or the user's part of it, is full.</summary>
    public static bool IsFull(Exception e) =>
        e is IOException { HResult: NoSpace or DiskQuota or WindowsDiskFull };

    /// <summary>Says that there is no room beside what the store needs to free some itself.</summary>
    public static string DescribeFull(string attempt, string folder) => $"{attempt}: {Full(folder)}";

    /// <summary>One or two sentences: what was tried, what the cause is, what to do next.</summary>
    public static string Describe(string attempt, string folder, Exception e)
    {
        string cause = e switch
        {
            IOException { HResult: NoSpace or WindowsDiskFull } => Full(folder),
            IOException { HResult: DiskQuota } =>
                $"the disk quota of this user is used up at {folder}. Free some space or have it raised.",
            IOException { HResult: ReadOnlyFileSystem } =>
                $"the file system that holds {folder} is read-only. Remount it writable or choose another "
                + "folder.",
            IOException { HResult: InputOutputError } =>
                $"the disk that holds {folder} reports errors. See the system log; replace it if they go on.",
            IOException { HResult: TooManyFiles } =>
                "too many files are open. Raise the limit (ulimit -n).",
            UnauthorizedAccessException =>
                $"{folder} may not be written by this user. Change its owner or permissions, or choose "
                + "another folder.",
            _ => e.Message,
        };
        return $"{attempt}: {cause}";
    }

    private static string Full(string folder) =>
        $"the disk that holds {folder} is full. Free some space; the store goes on by itself.";
}
