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
        try
        {
            return new StoreLock(new FileStream(
                Path.Combine(folder, Name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (e.HResult is WouldBlock or WindowsSharingViolation)
        {
            throw new RecordStoreException(
                $"The record store in {folder} is open in another process. End that process, or use another "
                + "folder.",
                e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
