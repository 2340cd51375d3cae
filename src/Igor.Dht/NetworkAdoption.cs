using Igor.Dht.Protocol;
using Igor.Dht.Storage;
using Igor.Dht.Storage.OnDisk;
using Igor.Dht.Storage.Opening;
using Igor.Kbr;
using Igor.Node.Disk;
using Igor.Node.Reporting;

namespace Igor.Dht;

/// <summary>
/// Moves a data folder, with its identity and records, from the network it belongs to into another, on
/// purpose. While it is open no node can use the folder.
/// </summary>
public sealed class NetworkAdoption : IDisposable
{
    private readonly DataFolder _folder;
    private readonly StoreLock? _store;

    private NetworkAdoption(DataFolder folder, StoreLock? store)
    {
        _folder = folder;
        _store = store;
    }

    /// <summary>The folder.</summary>
    public string Data => _folder.Path;

    /// <summary>Whether there are records in it.</summary>
    public bool HasRecords => _store is not null;

    /// <summary>
    /// The networks that the folder and its records belong to: one, unless a move was cut short; none when no
    /// name is bound, or none that can be read.
    /// </summary>
    public IReadOnlyList<string> Networks => [.. ((string?[])[
        NetworkOf(Data),
        HasRecords ? NetworkOf(DataFolderHome.RecordsIn(Data)) : null,
    ]).OfType<string>().Distinct()];

    /// <summary>Takes hold of a folder.</summary>
    /// <param name="data">The data folder; null for the default one.</param>
    /// <exception cref="DhtException">
    /// It holds nothing of a node's, a node uses it, or it cannot be used.
    /// </exception>
    public static NetworkAdoption Open(string? data = null)
    {
        DataFolder? folder = null;
        try
        {
            string path = Path.GetFullPath(data ?? DataFolder.DefaultPath);
            string records = DataFolderHome.RecordsIn(path);
            bool hasRecords = LiteDbRecordStore.IsStore(records);
            if (!hasRecords && !DataFolder.HoldsIdentity(path))
            {
                throw new DhtException(
                    $"There is neither a node's identity nor a store in {path}. Name the data folder with "
                    + "--data DIR or IGOR_DATA.");
            }

            folder = DataFolder.Open(path);
            return new NetworkAdoption(
                folder, hasRecords ? StoreLock.Take(records, DataFolderHome.Instance) : null);
        }
        catch (Exception e)
        {
            folder?.Dispose();
            if (IsLocal(e))
            {
                throw new DhtException(DhtError.Local, e.Message, e);
            }

            throw;
        }
    }

    /// <summary>Binds the folder and its records to a network.</summary>
    /// <param name="network">Its name, 1 to 64 characters.</param>
    /// <exception cref="ArgumentException">That is no name of a network.</exception>
    /// <exception cref="DhtException">The folder cannot be written; moving it again goes on.</exception>
    public void MoveTo(string network)
    {
        if (!ServiceId.IsValidName(network))
        {
            throw new ArgumentException(
                $"Network is '{PrintableText.Of(network)}'; it has {ServiceId.NameRule}.",
                nameof(network));
        }

        try
        {
            // The records last: as long as they are not moved, they are refused under the new name.
            _folder.Adopt(network);
            if (HasRecords)
            {
                DataFolderHome.Instance.BindNetwork(DataFolderHome.RecordsIn(Data), network);
            }
        }
        catch (Exception e) when (IsLocal(e))
        {
            throw new DhtException(DhtError.Local, e.Message, e);
        }
    }

    /// <summary>Lets nodes use the folder again.</summary>
    public void Dispose()
    {
        _store?.Dispose();
        _folder.Dispose();
    }

    private static bool IsLocal(Exception problem) =>
        problem is NodeStartException or RecordStoreException or IOException or UnauthorizedAccessException;

    // A name that cannot be read is what a move may be there to mend.
    private static string? NetworkOf(string folder)
    {
        try
        {
            return FolderNetwork.Read(folder);
        }
        catch (NodeStartException)
        {
            return null;
        }
    }
}
