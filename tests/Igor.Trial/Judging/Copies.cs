using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage;
using Igor.Dht.Storage.OnDisk;
using Igor.Simulation.Histories;
using Igor.Trial.Lab;

namespace Igor.Trial.Judging;

/// <summary>
/// Looks at the disks of nodes whose processes have ended: all replicas have to have the same.
/// </summary>
internal static class Copies
{
    public static async Task<List<string>> DifferencesAsync(TrialLab lab, IEnumerable<PlannedKey> keys)
    {
        var stores = new Dictionary<TrialNode, LiteDbRecordStore>();
        try
        {
            foreach (TrialNode node in lab.Present.Where(node => node.Id is not null))
            {
                string folder = Path.Combine(node.Data, "records");
                stores[node] = LiteDbRecordStore.Open(new RecordStoreOptions { Folder = folder });
            }

            var found = new List<string>();
            foreach (PlannedKey key in keys.Where(key => !key.IsRegister))
            {
                TrialNode[] replicas = [.. lab.Nearest(key.Key).Take(key.Replicas)];
                string[] copies = await Task.WhenAll(
                    replicas.Select(async node => Describe(await ReadAsync(stores[node], key))));
                if (copies.Distinct().Count() > 1)
                {
                    IEnumerable<string> at =
                        replicas.Zip(copies, (node, copy) => $"{copy} at node {node.Index}");
                    found.Add($"convergence: {key} is {string.Join(", ", at)}");
                }
            }

            return found;
        }
        finally
        {
            foreach (LiteDbRecordStore store in stores.Values)
            {
                await store.DisposeAsync();
            }
        }
    }

    private static Task<Record?> ReadAsync(LiteDbRecordStore store, PlannedKey key)
    {
        var read = new TaskCompletionSource<Record?>(TaskCreationOptions.RunContinuationsAsynchronously);
        store.Read(key.Key, read.SetResult);
        return read.Task;
    }

    private static string Describe(Record? record) => record is null ? "nothing"
        : record.Header.IsTombstone ? $"deleted by {record.Header.Version}"
        : $"{CallValue.Read(RecordCodec.ValueOf(record))} as {record.Header.Version}";
}
