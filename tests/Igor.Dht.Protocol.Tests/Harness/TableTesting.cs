using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;

namespace Igor.Dht.Protocol.Tests.Harness;

/// <summary>Fills tables of records.</summary>
internal static class TableTesting
{
    public static void Put(this RecordTable table, in Holding holding)
    {
        var header = new RecordHeader
        {
            Key = holding.Key,
            Type = holding.Type,
            Version = holding.Version,
            ExpiresAtUnixMs = holding.ExpiresAtUnixMs,
            Replicas = holding.Replicas,
            IsTombstone = holding.IsTombstone,
            ValueLength = holding.ValueLength,
        };
        table.Put(table.SlotOf(header, holding.ValueLength));
    }
}
