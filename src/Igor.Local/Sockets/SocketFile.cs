using System.Net.Sockets;
using Igor.Kbr;
using Igor.Local.Paths;

namespace Igor.Local.Sockets;

/// <summary>
/// The file of a local socket: claimed by one daemon at a time, readable by its owner only. A lock that the
/// kernel drops when its process dies tells a live daemon from the file that a dead one left behind.
/// </summary>
internal sealed class SocketFile : IDisposable
{
    private const UnixFileMode OwnerFolder =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int Backlog = 128;

    private readonly string _path;
    private readonly FileStream _lock;

    private SocketFile(string path, FileStream fileLock, Socket listener)
    {
        _path = path;
        _lock = fileLock;
        Listener = listener;
    }

    /// <summary>The listening socket.</summary>
    public Socket Listener { get; }

    /// <summary>Claims the path and listens there.</summary>
    /// <exception cref="KbrException">
    /// It is taken or cannot be used; the message says what to do.
    /// </exception>
    public static SocketFile Claim(string path)
    {
        FileStream? fileLock = null;
        try
        {
            LocalSocketPath.Check(path);
            CreateFolder(Path.GetDirectoryName(path)!);
            fileLock = Lock(path);
            RemoveStale(path);
            return new SocketFile(path, fileLock, Listen(path));
        }
        catch (KbrException)
        {
            fileLock?.Dispose();
            throw;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException
            or SocketException)
        {
            fileLock?.Dispose();
            throw new KbrException(
                $"Cannot open the local socket {path}: {exception.Message.TrimEnd('.')}. "
                + "Choose another, on a disk that can be written, with --socket PATH.",
                exception);
        }
    }

    /// <summary>
    /// Stops listening and removes the file. The lock's file stays: removing it would race.
    /// </summary>
    public void Dispose()
    {
        Listener.Dispose();
        if (File.Exists(_path))
        {
            File.Delete(_path);
        }

        _lock.Dispose();
    }

    private static void CreateFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder); // its profile folders are the user's own
        }
        else
        {
            Directory.CreateDirectory(folder, OwnerFolder); // one that is there stays as it is
        }
    }

    private static FileStream Lock(string path)
    {
        const int LockViolation = 11; // EWOULDBLOCK
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
            };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = OwnerFile;
            }

            return new FileStream(path + ".lock", options);
        }
        catch (IOException exception) when (exception.HResult == LockViolation)
        {
            throw InUse(path, exception);
        }
    }

    private static void RemoveStale(string path)
    {
        if (Directory.Exists(path))
        {
            throw NotSocket(path);
        }

        if (!File.Exists(path))
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            if (IsOrdinaryFile(path))
            {
                throw NotSocket(path);
            }

            File.Delete(path);
            return;
        }

        throw InUse(path, null);
    }

    /// <summary>A socket cannot be opened like a file.</summary>
    private static bool IsOrdinaryFile(string path)
    {
        try
        {
            File.OpenHandle(path).Dispose();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static Socket Listen(string path)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, OwnerFile); // nobody can connect before Listen
            }

            listener.Listen(Backlog);
            return listener;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    private static KbrException InUse(string path, Exception? cause) => new(
        $"The local socket {path} is in use: another daemon serves it. Stop that one, or choose another with "
        + "--socket PATH.",
        cause);

    private static KbrException NotSocket(string path) => new(
        $"{path} exists and is no socket. Remove it, or choose another path with --socket PATH.");
}
