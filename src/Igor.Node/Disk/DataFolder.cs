using Igor.Kbr;
using Igor.Local.Paths;
using Igor.Node.Reporting;

namespace Igor.Node.Disk;

/// <summary>
/// The folder that holds everything a node keeps, for one node at a time: a lock in it keeps a second one
/// out. The lock is the operating system's, so it never outlives the process.
/// </summary>
public sealed class DataFolder : IDisposable
{
    /// <summary>The name of the file with the node's identity.</summary>
    internal const string IdentityFile = "identity.pem";

    private const string LockName = "lock";
    private const UnixFileMode OwnerOnly =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>An application that looks whether the folder is in use holds the lock for a moment.</summary>
    private static readonly TimeSpan LookPatience = TimeSpan.FromMilliseconds(200);

    private readonly FileStream _lock;

    private DataFolder(string path, FileStream held)
    {
        Path = path;
        _lock = held;
        FolderHolder.Present.Write(path);
    }

    /// <summary>The folder's full path.</summary>
    public string Path { get; }

    /// <summary>
    /// The folder that is used when none is given: what IGOR_DATA says, else $XDG_DATA_HOME/igor, else
    /// $HOME/.local/share/igor.
    /// </summary>
    /// <exception cref="NodeStartException">There is no home; the message says what to set.</exception>
    public static string DefaultPath
    {
        get
        {
            try
            {
                return DefaultDataFolder.Path;
            }
            catch (KbrException problem)
            {
                throw new NodeStartException(problem.Message, problem);
            }
        }
    }

    /// <summary>
    /// Creates the folder if it is not there (for its owner only), locks it, and proves it writable, unless a
    /// node was there before: that one serves what it holds, from a disk that takes nothing too.
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
            if (HoldsIdentity(full))
            {
                return new DataFolder(full, held); // its store says what the disk refuses
            }

            held.Dispose();
            throw DiskTrouble.Explain("write in the data folder", full, problem);
        }
    }

    /// <summary>Whether a folder holds the identity of a node.</summary>
    public static bool HoldsIdentity(string path) => File.Exists(System.IO.Path.Combine(path, IdentityFile));

    /// <summary>The process that uses a folder now; null when none does, or it left no word.</summary>
    public static FolderHolder? FindHolder(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        if (FolderHolder.Read(full) is not { } holder)
        {
            return null;
        }

        try
        {
            using FileStream free = OpenLock(full, FileMode.Open);
            return null; // left behind by a process that was killed
        }
        catch (IOException problem) when (IsHeldByAnother(problem))
        {
            return holder;
        }
        catch (Exception problem) when (DiskTrouble.IsDisk(problem))
        {
            return null; // whoever opens the folder is told what is wrong with it
        }
    }

    /// <summary>Tells who finds the folder in use where applications reach this process.</summary>
    public void Announce(string socket) => (FolderHolder.Present with { Socket = socket }).Write(Path);

    /// <summary>
    /// Gives the folder to another network. The peers it knows are of the one it belonged to, and forgotten.
    /// </summary>
    /// <exception cref="NodeStartException">The folder cannot be written.</exception>
    public void Adopt(string network)
    {
        FolderNetwork.Bind(Path, network);
        PeerCache.Forget(this);
    }

    /// <summary>The path of something in the folder.</summary>
    public string Combine(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Gives the folder free for another node.</summary>
    public void Dispose()
    {
        FolderHolder.Erase(Path);
        _lock.Dispose();
    }

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
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                return OpenLock(full, FileMode.OpenOrCreate);
            }
            catch (IOException problem) when (IsHeldByAnother(problem))
            {
                if (TimeProvider.System.GetElapsedTime(started) > LookPatience)
                {
                    throw new NodeStartException(InUse(full), problem) { IsFolderInUse = true };
                }

                Thread.Sleep(10);
            }
            catch (Exception problem) when (DiskTrouble.IsDisk(problem))
            {
                if (HoldsIdentity(full) && TryLockReadOnly(full) is { } held)
                {
                    return held;
                }

                throw DiskTrouble.Explain("write in the data folder", full, problem);
            }
        }
    }

    /// <summary>On a read-only disk; null where the lock cannot be taken so either.</summary>
    private static FileStream? TryLockReadOnly(string full)
    {
        try
        {
            return OpenLock(full, FileMode.Open, FileAccess.Read);
        }
        catch (Exception problem) when (DiskTrouble.IsDisk(problem))
        {
            return null;
        }
    }

    private static FileStream OpenLock(
        string full, FileMode mode, FileAccess access = FileAccess.ReadWrite)
    {
        var options = new FileStreamOptions
        {
            Mode = mode,
            Access = access,
            Share = FileShare.None,
            BufferSize = 0,
        };
        if (mode != FileMode.Open && !OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(System.IO.Path.Combine(full, LockName), options);
    }

    private static string InUse(string full)
    {
        FolderHolder? holder = FolderHolder.Read(full);
        string who = holder is null ? "such as 'igor-dht serve' or 'igord'" : holder.ToString();
        string use = holder?.Socket is { } socket
            ? $"Use that node through its socket (--socket {socket})"
            : "Use that node through its local socket (--socket PATH)";
        return $"Another node uses the data folder {full}: {who}. {use}, stop it, or give this one a folder "
            + "of its own with --data DIR.";
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
