using Igor.Kbr;

namespace Igor.Node;

/// <summary>
/// The folder that holds everything a node keeps, for one node at a time: a lock in it keeps a second one
/// out. The lock is the operating system's, so it never outlives the process.
/// </summary>
public sealed class DataFolder : IDisposable
{
    private const string LockName = "lock";
    private const UnixFileMode OwnerOnly =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly FileStream _lock;

    private DataFolder(string path, FileStream held)
    {
        Path = path;
        _lock = held;
    }

    /// <summary>The folder's full path.</summary>
    public string Path { get; }

    /// <summary>
    /// The folder that is used when none is given: $XDG_DATA_HOME/igor, else ~/.local/share/igor.
    /// </summary>
    public static string DefaultPath
    {
        get
        {
            string? base_ = Environment.GetEnvironmentVariable("XDG_DATA_HOME");
            string root = string.IsNullOrWhiteSpace(base_)
                ? System.IO.Path.Combine(
                    Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "share")
                : base_;
            return System.IO.Path.Combine(root, "igor");
        }
    }

    /// <summary>
    /// Creates the folder if it is not there (for its owner only), locks it, and proves it writable.
    /// </summary>
    /// <exception cref="NodeStartException">
    /// Another node uses it, or it cannot be created or written; the message says which and what to do.
    /// </exception>
    public static DataFolder Open(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        string full = System.IO.Path.GetFullPath(path);
        ThrowIfAltered(full);
        Create(full);
        FileStream held = Lock(full);
        try
        {
            ProveWritable(held);
            return new DataFolder(full, held);
        }
        catch (Exception problem) when (DiskTrouble.IsDisk(problem))
        {
            held.Dispose();
            throw DiskTrouble.Explain("write in the data folder", full, problem);
        }
    }

    /// <summary>The path of something in the folder.</summary>
    public string Combine(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Gives the folder free for another node.</summary>
    public void Dispose() => _lock.Dispose();

    // A variable or a working directory whose bytes are no UTF-8: another folder would be made.
    private static void ThrowIfAltered(string full)
    {
        if (full.Contains('\ufffd', StringComparison.Ordinal) || !StrictUtf8.HasBytes(full))
        {
            throw new NodeStartException(
                $"The path of the data folder, {PrintableText.Of(full)}, is not valid UTF-8. Name another "
                + "with --data or IGOR_DATA.");
        }
    }

    private static void Create(string full)
    {
        try
        {
            if (Directory.Exists(full))
            {
                return;
            }

            if (File.Exists(full))
            {
                throw new NodeStartException(
                    $"The data folder {full} is a file. Move it away or choose another.");
            }

            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(full);
            }
            else
            {
                Directory.CreateDirectory(full, OwnerOnly);
            }
        }
        catch (Exception problem) when (DiskTrouble.IsDisk(problem))
        {
            throw DiskTrouble.Explain("create the data folder", full, problem);
        }
    }

    private static FileStream Lock(string full)
    {
        string path = System.IO.Path.Combine(full, LockName);
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                BufferSize = 0,
            };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            return new FileStream(path, options);
        }
        catch (IOException problem) when (IsHeldByAnother(problem))
        {
            throw new NodeStartException(
                $"Another node uses the data folder {full}. Stop it, or give this one a folder of its own.",
                problem)
            {
                IsFolderInUse = true,
            };
        }
        catch (Exception problem) when (DiskTrouble.IsDisk(problem))
        {
            throw DiskTrouble.Explain("write in the data folder", full, problem);
        }
    }

    /// <summary>EWOULDBLOCK on Unix (11 on Linux, 35 on macOS), a sharing violation on Windows.</summary>
    private static bool IsHeldByAnother(IOException problem) =>
        problem.GetType() == typeof(IOException) && problem.HResult is 11 or 35 or unchecked((int)0x80070020);

    /// <summary>A full disk is noticed at the start, not at the first record.</summary>
    private static void ProveWritable(FileStream held)
    {
        held.SetLength(0);
        held.Write("This file keeps a second node out of the folder while one runs.\n"u8);
        held.Flush(flushToDisk: true);
    }
}
