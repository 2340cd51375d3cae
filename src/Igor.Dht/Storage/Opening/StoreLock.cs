using Igor.Dht.Storage.Segments;
using DataFolder = Igor.Node.Disk.DataFolder;
using FolderHolder = Igor.Node.Disk.FolderHolder;

namespace Igor.Dht.Storage.Opening;

/// <summary>
/// Keeps a second process out of a store's folder; the kernel lets go when this process dies.
/// </summary>
internal sealed class StoreLock : IDisposable
{
    private const string Name = "store.lock";
    private const int WouldBlock = 11;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);
    private readonly FileStream _file;

    private readonly string _folder;

    private StoreLock(string folder, FileStream file)
    {
        _folder = folder;
        _file = file;
        FolderHolder.Present.Write(folder);
    }

    /// <summary>Takes the lock of a folder.</summary>
    /// <exception cref="RecordStoreException">Another process has the folder open.</exception>
    public static StoreLock Take(string folder)
    {
        string path = Path.Combine(folder, Name);
        try
        {
            return new StoreLock(folder, OpenOn(path));
        }
        catch (IOException e) when (e.HResult is WouldBlock or WindowsSharingViolation)
        {
            throw new RecordStoreException(InUse(folder), e);
        }
    }

    /// <summary>
    /// Who has the store open may stand behind the node of another process, and outlive it: then no socket
    /// leads to the store, and that process is what has to be ended.
    /// </summary>
    private static string InUse(string folder)
    {
        string data = StoreNetwork.DataOf(folder);
        FolderHolder? member = FolderHolder.Read(folder);
        FolderHolder? node = DataFolder.FindHolder(data);
        string who = $"The record store in {folder} is open in another process, "
            + $"{member?.ToString() ?? "such as 'igor-dht serve'"}. ";
        return node is { Socket: { } socket } && node.ProcessId != Environment.ProcessId
            ? $"{who}Use it through the socket of its node, {node} (--socket {socket}), stop it, or choose "
                + "another folder with --data DIR."
            : $"{who}No node of the data folder {data} listens: that process stands behind the node of "
                + "another folder, or its node has ended. Use it through the socket of its node (--socket "
                + "PATH), or end that process and try again, or choose another folder with --data DIR.";
    }

    private static FileStream OpenOn(string path)
    {
        try
        {
            return OwnFiles.OpenStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (DiskFault.IsRefusal(e) && File.Exists(path))
        {
            // A read-only disk: its records can be read all the same, by one process at a time.
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        FolderHolder.Erase(_folder);
        _file.Dispose();
    }
}
