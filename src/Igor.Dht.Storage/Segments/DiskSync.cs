using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Igor.Dht.Storage.Segments;

/// <summary>
/// Forces what was written down to the disk. On Linux fdatasync is called directly: it spares the journal a
/// commit for a mere change of the modification time, and its errors come back as such.
/// </summary>
internal static class DiskSync
{
    private const int Interrupted = 4;
    private const int NoSuchCall = 38;
    private const int NotSupported = 95;
    private const int ReadOnlyDirectory = 0x10000 | 0x80000; // O_DIRECTORY | O_CLOEXEC

    /// <summary>Forces the content of a file, and its length, to the disk.</summary>
    /// <exception cref="IOException">
    /// The disk is full or failed; its HResult is the errno on Linux.
    /// </exception>
    public static void File(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
        {
            RandomAccess.FlushToDisk(file);
            return;
        }

        while (fdatasync(file) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error != Interrupted)
            {
                throw new IOException("fdatasync: " + Marshal.GetPInvokeErrorMessage(error), error);
            }
        }
    }

    /// <summary>
    /// Makes a file that long, with room on the disk for all of it. Where a file system cannot be asked for
    /// that, the length only.
    /// </summary>
    /// <exception cref="IOException">There is not so much room; the file is as it was.</exception>
    public static void Allocate(SafeFileHandle file, long bytes)
    {
        long before = RandomAccess.GetLength(file);
        if (!OperatingSystem.IsLinux())
        {
            RandomAccess.SetLength(file, bytes);
            return;
        }

        while (fallocate(file, 0, 0, bytes) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error is NotSupported or NoSuchCall)
            {
                RandomAccess.SetLength(file, bytes);
                return;
            }

            if (error != Interrupted)
            {
                RandomAccess.SetLength(file, before);
                throw new IOException("fallocate: " + Marshal.GetPInvokeErrorMessage(error), error);
            }
        }
    }

    /// <summary>
    /// Forces the names of created, renamed and deleted files of a folder to the disk. Only Linux needs it
    /// and lets one do it; elsewhere this does nothing.
    /// </summary>
    /// <exception cref="IOException">The folder cannot be opened or forced.</exception>
    public static void Folder(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        int descriptor = open(path, ReadOnlyDirectory);
        if (descriptor < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new IOException($"open {path}: {Marshal.GetPInvokeErrorMessage(error)}", error);
        }

        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (fsync(handle) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new IOException($"fsync {path}: {Marshal.GetPInvokeErrorMessage(error)}", error);
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int fdatasync(SafeFileHandle descriptor);

    [DllImport("libc", SetLastError = true)]
    private static extern int fallocate(SafeFileHandle descriptor, int mode, long offset, long length);

    [DllImport("libc", SetLastError = true)]
    private static extern int fsync(SafeFileHandle descriptor);

    [DllImport("libc", SetLastError = true)]
    private static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);
}
