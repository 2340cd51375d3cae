using Igor.Dht.Storage.Segments;

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

    private StoreLock(FileStream file) => _file = file;

    /// <summary>Takes the lock of a folder.</summary>
    /// <exception cref="RecordStoreException">Another process has the folder open.</exception>
    public static StoreLock Take(string folder)
    {
        string path = Path.Combine(folder, Name);
        try
        {
            return new StoreLock(OpenOn(path));
        }
        catch (IOException e) when (e.HResult is WouldBlock or WindowsSharingViolation)
        {
            throw new RecordStoreException(
                $"The record store in {folder} is open in another process, such as 'igor-dht serve'. Use it "
                + "through the socket of its node (--socket PATH), stop it, or choose another folder with "
                + "--data DIR.",
                e);
        }
    }

    private static FileStream OpenOn(string path)
    {
        try
        {
            return OwnFiles.OpenStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (DiskTrouble.IsRefusal(e) && File.Exists(path))
        {
            // A read-only disk: its records can be read all the same, by one process at a time.
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
