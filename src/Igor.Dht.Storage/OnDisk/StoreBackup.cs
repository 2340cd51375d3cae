using System.IO.Hashing;
using System.Text.Json;
using Igor.Dht.Storage.Opening;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;
using Igor.Dht.Storage.Writing;

// A backup is the segments as they stood at one moment, and a list of them with a checksum each. The store
// seals the segment it writes and deletes none meanwhile; segments that are sealed never change.

namespace Igor.Dht.Storage.OnDisk;

/// <summary>Makes and restores backups.</summary>
internal static class StoreBackup
{
    private const string ListName = "backup.json";
    private const int CopyBytes = 1024 * 1024;

    /// <summary>Copies all segments into an empty folder.</summary>
    public static async Task CreateAsync(
        StoreContext store, StoreWriter writer, string folder, CancellationToken cancellationToken)
    {
        List<(string Path, long Bytes)> files = [];
        bool isHeld = false;
        try
        {
            string? network = store.Options.Home?.ReadNetwork(store.Options.Folder);
            await writer.RunExclusively(() =>
            {
                SealPresent(store.Log);
                writer.Compactor.Hold();
                isHeld = true;
                files.AddRange(store.Log.Segments.Select(segment => (segment.FilePath, segment.Length)));
            }).ConfigureAwait(false);
            await Task.Run(() => Create(files, network, folder, cancellationToken), cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e))
        {
            throw new RecordStoreException(
                DiskFault.Describe("The backup cannot be written", folder, e), e);
        }
        finally
        {
            if (isHeld)
            {
                // Not by way of the writer, whose queue may be full.
                writer.Compactor.Release();
            }
        }
    }

    private static void SealPresent(SegmentLog log)
    {
        try
        {
            log.Seal();
        }
        catch
        {
            log.Rollback();
            throw;
        }
    }

    /// <summary>
    /// Copies the segments of a backup into a folder without a store, which then belongs to the network that
    /// the backup was made in.
    /// </summary>
    public static void Restore(
        string backupFolder, RecordStoreOptions options, CancellationToken cancellationToken)
    {
        string folder = options.Folder;
        string listPath = Path.Combine(backupFolder, ListName);
        try
        {
            BackupList? list = File.Exists(listPath)
                ? JsonSerializer.Deserialize(File.ReadAllBytes(listPath), BackupListJson.Default.BackupList)
                : null;
            if (list is null or { Format: > StoreMarker.CurrentFormat })
            {
                throw new RecordStoreException(
                    $"{backupFolder} holds no finished backup that this program can read.");
            }

            string segments = StoreOpening.SegmentsIn(folder);
            if (Directory.Exists(segments) && Directory.EnumerateFileSystemEntries(segments).Any())
            {
                throw new RecordStoreException(
                    $"{folder} holds a record store already. Restore into an empty folder.");
            }

            OwnFiles.MakeFolder(folder);
            using StoreLock storeLock = StoreLock.Take(folder, options.Home);
            BindNetwork(backupFolder, list.Network, options);
            if (Directory.Exists(StoreOpening.HintsIn(folder)))
            {
                Directory.Delete(StoreOpening.HintsIn(folder), recursive: true); // of segments that are gone
            }

            OwnFiles.MakeFolder(segments);
            foreach (BackedUpFile file in list.Files)
            {
                RestoreFile(backupFolder, segments, file, cancellationToken);
            }

            DiskSync.Folder(segments);
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e) || e is JsonException)
        {
            throw new RecordStoreException(
                DiskFault.Describe($"The backup {backupFolder} cannot be restored", folder, e), e);
        }
    }

    private static void BindNetwork(string backupFolder, string? network, RecordStoreOptions options)
    {
        if (network is not null && options.Network.Length > 0 && options.Network != network)
        {
            throw new RecordStoreException(
                $"The backup {backupFolder} was made in the network '{network}', not in '{options.Network}'. "
                + "Restore it under that name; then, to move it on purpose: igor-dht store adopt "
                + "--network NAME --data DIR --yes");
        }

        if ((network ?? options.Network) is { Length: > 0 } name)
        {
            options.Home?.BindNetwork(options.Folder, name);
        }
    }

    private static void Create(
        List<(string Path, long Bytes)> files,
        string? network,
        string folder,
        CancellationToken cancellationToken)
    {
        if (!Directory.Exists(folder))
        {
            OwnFiles.MakeFolder(folder);
        }
        else if (Directory.EnumerateFileSystemEntries(folder).Any())
        {
            throw new RecordStoreException($"{folder} is not empty. Back up into a new folder.");
        }

        var list = new BackupList(StoreMarker.CurrentFormat, [], network);
        foreach ((string path, long bytes) in files)
        {
            string name = Path.GetFileName(path);
            string hash = Copy(path, Path.Combine(folder, name), bytes, cancellationToken);
            list.Files.Add(new BackedUpFile(name, bytes, hash));
        }

        // The list comes last: a backup without it is not finished.
        using (var file = OwnFiles.OpenStream(
            Path.Combine(folder, ListName), FileMode.CreateNew, FileAccess.Write, FileShare.None))
        {
            JsonSerializer.Serialize(file, list, BackupListJson.Default.BackupList);
            file.Flush(flushToDisk: true);
        }

        DiskSync.Folder(folder);
    }

    private static void RestoreFile(
        string backupFolder, string segments, BackedUpFile file, CancellationToken cancellationToken)
    {
        string name = Path.GetFileName(file.Name);
        string target = Path.Combine(segments, name);
        string source = Path.Combine(backupFolder, name);
        if (Copy(source, target, file.Bytes, cancellationToken) != file.XxHash3)
        {
            File.Delete(target);
            throw new RecordStoreException(
                $"{source} is damaged: its checksum is not the one that was noted for it.");
        }
    }

    private static string Copy(string source, string target, long bytes, CancellationToken cancellationToken)
    {
        var hash = new XxHash3();
        var buffer = new byte[CopyBytes];
        using var from = new FileStream(
            source, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        using FileStream to = OwnFiles.OpenStream(
            target, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        while (bytes > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int got = from.Read(buffer, 0, (int)Math.Min(buffer.Length, bytes));
            if (got == 0)
            {
                throw new RecordStoreException($"{source} is shorter than it should be.");
            }

            hash.Append(buffer.AsSpan(0, got));
            to.Write(buffer, 0, got);
            bytes -= got;
        }

        to.Flush(flushToDisk: true);
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
