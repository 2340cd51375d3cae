using Igor.Node.Disk;
using Igor.Node.Reporting;

namespace Igor.Dht.Storage.Opening;

/// <summary>
/// The network that a store's records belong to, kept as in a node's data folder: a store may stand behind
/// the node of another process, whose folder is elsewhere.
/// </summary>
internal static class StoreNetwork
{
    /// <summary>Whether a folder holds a store.</summary>
    public static bool IsStore(string folder) => Directory.Exists(StoreOpening.SegmentsIn(folder));

    /// <summary>The network of a store; null when none is bound.</summary>
    /// <exception cref="RecordStoreException">What the folder says is damaged.</exception>
    public static string? Read(string folder) =>
        Explained(() => FolderNetwork.Read(folder, DataOf(folder)));

    /// <summary>Refuses a network that is not the store's; a store without one takes any.</summary>
    /// <exception cref="RecordStoreException">The records belong to another network.</exception>
    public static void Check(string folder, string network)
    {
        if (Read(folder) is { } bound && bound != network)
        {
            throw new RecordStoreException(FolderNetwork.MismatchText(
                $"The records in {folder} belong", DataOf(folder), bound, network));
        }
    }

    /// <summary>Binds a store to a network, whatever it was bound to.</summary>
    /// <exception cref="RecordStoreException">The folder cannot be written.</exception>
    public static void Bind(string folder, string network) => Explained(() =>
    {
        FolderNetwork.Bind(folder, network);
        return network;
    });

    /// <summary>The data folder that a store is in.</summary>
    public static string DataOf(string folder) =>
        Path.GetDirectoryName(Path.GetFullPath(folder)) ?? folder;

    private static string? Explained(Func<string?> action)
    {
        try
        {
            return action();
        }
        catch (NodeStartException e)
        {
            throw new RecordStoreException(e.Message, e);
        }
    }
}
