using Microsoft.Win32.SafeHandles;

// Records are their owner's alone, whatever the umask of the process or the mode of the folder around them. A
// mode that is only asked for at creation is cut by the umask, and a file that is there keeps the one it has;
// so the mode is set on what was opened.

namespace Igor.Dht.Storage.Segments;

/// <summary>Makes and opens the files and folders of a store, for their owner only.</summary>
internal static class OwnFiles
{
    private const UnixFileMode FileMode600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode FolderMode700 = FileMode600 | UnixFileMode.UserExecute;

    /// <summary>Makes a folder, and those above it, if they are not there.</summary>
    public static void MakeFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }

        Directory.CreateDirectory(path, FolderMode700);
        if (File.GetUnixFileMode(path) != FolderMode700)
        {
            IgnoringRefusals(() => SetMode(path, FolderMode700));
        }
    }

    /// <summary>Opens a file to write, and perhaps makes it.</summary>
    /// <exception cref="IOException">The disk is full or failed, or the file is in use.</exception>
    public static SafeFileHandle Open(string path, FileMode mode, FileAccess access, FileShare share)
    {
        SafeFileHandle file = File.OpenHandle(path, mode, access, share);
        if (!OperatingSystem.IsWindows() && File.GetUnixFileMode(file) != FileMode600)
        {
            IgnoringRefusals(() => SetMode(path, FileMode600));
        }

        return file;
    }

    /// <summary>Like <see cref="Open"/>, as a stream without a buffer.</summary>
    /// <inheritdoc cref="Open" path="//exception"/>
    public static FileStream OpenStream(string path, FileMode mode, FileAccess access, FileShare share) =>
        new(Open(path, mode, access, share), access, bufferSize: 0);

    private static void SetMode(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, mode);
        }
    }

    /// <summary>
    /// A disk that cannot be written, or somebody else's file, keeps the mode it has: whether it can be used
    /// at all is found out by who uses it.
    /// </summary>
    private static void IgnoringRefusals(Action change)
    {
        try
        {
            change();
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e))
        {
        }
    }
}
