using Igor.Dht.Storage.Segments;

namespace Igor.Dht.Storage.Opening;

/// <summary>
/// Keeps a second process out of a store's folder; the kernel lets go when this process dies.
/// </summary>
public sealed class StoreLock : IDisposable
{
    private const string Name = "store.lock";
    private const int WouldBlock = 11;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);
    private readonly FileStream _file;
    private readonly string _folder;
    private readonly IStoreHome? _home;

    private StoreLock(string folder, IStoreHome? home, FileStream file)
    {
        _folder = folder;
        _home = home;
        _file = file;
        home?.Enter(folder);
    }

    /// <summary>Takes the lock of a folder.</summary>
    /// <param name="folder">The folder of the store.</param>
    /// <param name="home">What it stands in; null for nothing.</param>
    /// <exception cref="RecordStoreException">Another process has the folder open.</exception>
    public static StoreLock Take(string folder, IStoreHome? home)
    {
        string path = Path.Combine(folder, Name);
        try
        {
            return new StoreLock(folder, home, OpenOn(path));
        }
        catch (IOException e) when (e.HResult is WouldBlock or WindowsSharingViolation)
        {
            throw new RecordStoreException(
                home?.DescribeUse(folder)
                    ?? $"The record store in {folder} is open in another process. End that one, or choose "
                        + "another folder.",
                e);
        }
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
        _home?.Leave(_folder);
        _file.Dispose();
    }
}
