namespace Igor.Dht.Cli.Values;

/// <summary>
/// A file that gets a value. A file that is there is replaced at once and as a whole, by one with its mode
/// and, where that is allowed, its owner; links to it stay links. Where its folder takes no new file, it is
/// overwritten instead.
/// </summary>
internal static class OutputFile
{
    private const int DeviceBusy = 16; // a file that is mounted on its own cannot be replaced
    private const int ReadOnlyFileSystem = 30;

    private const UnixFileMode OwnerReadsAndWrites = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Whether a path names something that is there and no file, e.g. a FIFO or a device.</summary>
    public static bool IsWrittenInto(string path) =>
        FileStatus.Of(Path.GetFullPath(path)) is { IsRegular: false, IsFolder: false };

    /// <summary>Writes a file beside the one that is meant and moves it there once it is on disk.</summary>
    public static async Task ReplaceAsync(
        string path, ReadOnlyMemory<byte> value, CancellationToken cancellation)
    {
        string named = Path.GetFullPath(path);
        string target = new FileInfo(named).LinkTarget is null
            ? named
            : File.ResolveLinkTarget(named, returnFinalTarget: true)!.FullName;
        string folder = Path.GetDirectoryName(target) ?? target;
        if (Directory.Exists(target) || !Directory.Exists(folder))
        {
            throw new IOException(
                Directory.Exists(target) ? $"{path} is a folder" : $"the folder {folder} does not exist");
        }

        FileStatus? before = FileStatus.Of(target);

        // Not named after the file, whose name may be as long as names can be.
        string partial = Path.Combine(folder, ".igor-" + Path.GetRandomFileName());
        try
        {
            await WriteNewAsync(partial, before, value, cancellation).ConfigureAwait(false);
            File.Move(partial, target, overwrite: true);
        }
        catch (Exception e) when (before is not null && IsOfFolder(e))
        {
            File.Delete(partial);
            await OverwriteAsync(target, value, cancellation).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            DeleteIfThere(partial);
            if (e is IOException or UnauthorizedAccessException)
            {
                throw new IOException(e.Message.Replace(partial, target, StringComparison.Ordinal), e);
            }

            throw;
        }
    }

    private static async Task WriteNewAsync(
        string path, FileStatus? before, ReadOnlyMemory<byte> value, CancellationToken cancellation)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (before is not null && !OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerReadsAndWrites; // until it has the owner and mode of the other
        }

        await using var stream = new FileStream(path, options);
        await stream.WriteAsync(value, cancellation).ConfigureAwait(false);
        before?.ApplyTo(path);
        stream.Flush(flushToDisk: true);
    }

    private static async Task OverwriteAsync(
        string path, ReadOnlyMemory<byte> value, CancellationToken cancellation)
    {
        await using var stream = new FileStream(path, FileMode.Open, FileAccess.Write);
        await stream.WriteAsync(value, cancellation).ConfigureAwait(false);
        stream.SetLength(value.Length);
        stream.Flush(flushToDisk: true);
    }

    private static bool IsOfFolder(Exception e) =>
        e is UnauthorizedAccessException or IOException { HResult: ReadOnlyFileSystem or DeviceBusy };

    private static void DeleteIfThere(string path)
    {
        if (File.Exists(path))
        {
            File.Delete(path);
        }
    }
}
