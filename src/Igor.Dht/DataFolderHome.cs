using Igor.Dht.Storage;
using Igor.Node.Disk;
using Igor.Node.Reporting;

namespace Igor.Dht;

/// <summary>
/// A store in a node's data folder. The network is kept in the store as it is in the folder: a store may
/// stand behind the node of another process, whose folder is elsewhere.
/// </summary>
internal sealed class DataFolderHome : IStoreHome
{
    private DataFolderHome()
    {
    }

    /// <summary>The one there is: it keeps nothing itself.</summary>
    public static DataFolderHome Instance { get; } = new();

    /// <summary>The folder of the store in a data folder.</summary>
    public static string RecordsIn(string data) => Path.Combine(data, "records");

    /// <inheritdoc/>
    public string? ReadNetwork(string folder) =>
        Explained(() => FolderNetwork.Read(folder, DataOf(folder)));

    /// <inheritdoc/>
    public bool CheckNetwork(string folder, string network)
    {
        string? bound = ReadNetwork(folder);
        return bound is null || bound == network
            ? bound is not null
            : throw new RecordStoreException(FolderNetwork.MismatchText(
                $"The records in {folder} belong", DataOf(folder), bound, network));
    }

    /// <inheritdoc/>
    public void BindNetwork(string folder, string network) => Explained(() =>
    {
        FolderNetwork.Bind(folder, network);
        return network;
    });

    /// <inheritdoc/>
    public void Enter(string folder) => FolderHolder.Present.Write(folder);

    /// <inheritdoc/>
    public void Leave(string folder) => FolderHolder.Erase(folder);

    /// <summary>
    /// Who has the store open may stand behind the node of another process, and outlive it: then no socket
    /// leads to the store, and that process is what has to be ended.
    /// </summary>
    public string DescribeUse(string folder)
    {
        string data = DataOf(folder);
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

    private static string DataOf(string folder) => Path.GetDirectoryName(Path.GetFullPath(folder)) ?? folder;

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
