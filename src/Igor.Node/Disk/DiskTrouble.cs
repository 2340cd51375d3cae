using System.Security;
using Igor.Node.Reporting;

namespace Igor.Node.Disk;

/// <summary>Turns what the file system says into a sentence that says what to do.</summary>
internal static class DiskTrouble
{
    private const int NoSpaceLeft = 28;
    private const int ReadOnlyFileSystem = 30;
    private const int QuotaExceeded = 122;
    private const int TooManyOpenFiles = 24;

    /// <summary>Whether an exception comes from the file system.</summary>
    public static bool IsDisk(Exception problem) =>
        problem is IOException or UnauthorizedAccessException or SecurityException or NotSupportedException;

    /// <summary>The exception to show for trouble with a path.</summary>
    /// <param name="doing">What was being done, such as "create the data folder".</param>
    /// <param name="path">The file or folder.</param>
    /// <param name="problem">What the file system said.</param>
    public static NodeStartException Explain(string doing, string path, Exception problem) =>
        new($"Cannot {doing} {path}: {Cause(problem)}", problem);

    private static string Cause(Exception problem) => ErrorNumber(problem) switch
    {
        NoSpaceLeft => "the disk is full. Free some space or choose another data folder with --data DIR.",
        QuotaExceeded =>
            "the disk quota is used up. Free some space or choose another data folder with --data DIR.",
        ReadOnlyFileSystem =>
            "the file system is read-only. Choose a data folder that can be written with --data DIR.",
        TooManyOpenFiles => "this process has too many open files. Raise its limit (ulimit -n).",
        _ => problem switch
        {
            UnauthorizedAccessException or SecurityException =>
                "permission denied. Give this user the right to write there, or choose another data folder "
                    + "with --data DIR.",
            DirectoryNotFoundException => "a folder on the way does not exist.",
            FileNotFoundException => "it does not exist.",
            PathTooLongException => "the path is too long.",
            _ => problem.Message,
        },
    };

    private static int ErrorNumber(Exception problem) =>
        problem is UnauthorizedAccessException { InnerException: IOException inner }
            ? inner.HResult
            : problem.HResult;
}
