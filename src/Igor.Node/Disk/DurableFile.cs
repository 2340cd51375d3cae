using System.Runtime.InteropServices;

namespace Igor.Node.Disk;

/// <summary>
/// Small files that are there whole or not at all, also after a power cut: written beside their place,
/// synced, moved into place, and the folder synced.
/// </summary>
internal static partial class DurableFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int OpenReadOnly = 0;

    /// <summary>Writes a file that only its owner can read, in place of one that may be there.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="content">All of its content.</param>
    /// <param name="replace">Whether a file that is there is replaced; if not, that is an error.</param>
    /// <exception cref="IOException">
    /// The disk refused, or the file is there and must not be replaced.
    /// </exception>
    public static void Write(string path, ReadOnlySpan<byte> content, bool replace)
    {
        string beside = path + ".new";
        File.Delete(beside); // left behind by a run that was killed
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        try
        {
            using (var stream = new FileStream(beside, options))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            File.Move(beside, path, replace);
        }
        catch (IOException)
        {
            File.Delete(beside);
            throw;
        }

        SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Makes names that were created in a folder or moved into it survive a power cut.</summary>
    public static void SyncFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // NTFS journals names itself
        }

        int handle = Open(folder, OpenReadOnly);
        if (handle < 0)
        {
            throw new IOException($"Cannot open the folder {folder}.", Marshal.GetLastPInvokeError());
        }

        int result = Fsync(handle);
        int error = Marshal.GetLastPInvokeError();
        _ = Close(handle);
        if (result != 0)
        {
            throw new IOException($"Cannot sync the folder {folder}.", error);
        }
    }

    [LibraryImport(
        "libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Fsync(int handle);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int handle);
}
