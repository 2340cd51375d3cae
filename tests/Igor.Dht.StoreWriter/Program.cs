using System.Globalization;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.OnDisk;
using Igor.Dht.StoreWriter;

// A process to be killed: it writes records as fast as the store takes them and prints each one that was
// acknowledged, as "number clock;". Small segments and a hasty index make sure that a kill hits rotation,
// compaction and the index.

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: Igor.Dht.StoreWriter FOLDER RUN");
    return 1;
}

const int InFlightMax = 64;
ulong clock = ulong.Parse(args[1], CultureInfo.InvariantCulture) << 32;
LiteDbRecordStore store = LiteDbRecordStore.Open(WrittenRecords.Options(args[0]));
using var slots = new SemaphoreSlim(InFlightMax);
var random = new Random(unchecked((int)clock) ^ (int)(clock >> 32));
TextWriter output = TextWriter.Synchronized(Console.Out);
while (true)
{
    slots.Wait();
    clock++;
    int number = random.Next(WrittenRecords.Count);
    ulong version = clock;
    if (number >= WrittenRecords.KeptCount && random.Next(2) == 0)
    {
        store.Remove(
            WrittenRecords.KeyOf(number), new RecordVersion(version, 1), _ => slots.Release());
        continue;
    }

    store.Write(WrittenRecords.Make(number, version), outcome =>
    {
        if (outcome == StoreOutcome.Durable)
        {
            output.WriteLine($"{number} {version};");
            output.Flush();
        }

        slots.Release();
    });
}
