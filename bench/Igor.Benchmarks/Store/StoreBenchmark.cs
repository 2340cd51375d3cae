using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage;
using Igor.Dht.Storage.OnDisk;
using Igor.Kbr;

// Durable puts with a number of writers at once, each of which waits for its acknowledgement; reads of hot
// and of cold records. Cold means: not in the store's own cache; the kernel has read them lately.

namespace Igor.Benchmarks;

/// <summary>Measures the record store on disk.</summary>
internal static class StoreBenchmark
{
    private const int SerialRecords = 500;

    /// <summary>The command that runs it.</summary>
    public static Command Command()
    {
        var defaults = new StoreBenchmarkOptions();
        Option<int> records = Number("--records", "Records in a store.", defaults.Records);
        Option<int> bytes = Number("--bytes", "Size of a value.", defaults.ValueBytes);
        Option<int> repeats = Number("--repeats", "Measurements of each kind.", defaults.Runs);
        Option<int> seed = Number("--seed", "Seed of the values and of the order of reads.", defaults.Seed);
        var folder = new Option<string>("--folder")
        {
            Description = "Where stores are made: the disk below is what is measured.",
            DefaultValueFactory = _ => defaults.Folder,
        };
        var command = new Command("store", "Durable puts and gets of the record store on disk.")
        {
            records, bytes, repeats, seed, folder,
        };
        command.SetAction(result => Run(new StoreBenchmarkOptions
        {
            Records = result.GetValue(records),
            ValueBytes = result.GetValue(bytes),
            Runs = result.GetValue(repeats),
            Seed = result.GetValue(seed),
            Folder = result.GetValue(folder)!,
        }));
        return command;
    }

    private static Option<int> Number(string name, string description, int defaultValue) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => defaultValue,
    };

    private static int Run(StoreBenchmarkOptions options)
    {
        Measurement.PrintMachine();
        Console.WriteLine("Record store: " + options);
        string folder = Path.Combine(options.Folder, $"igor-store-benchmark-{Environment.ProcessId}");
        try
        {
            foreach (int writers in options.Writers)
            {
                int count = writers == 1 ? Math.Min(SerialRecords, options.Records) : options.Records;
                Measurement.Rate($"put, {writers} at once", options.Runs, count, run =>
                {
                    using var store = new Opened(Path.Combine(folder, $"{writers}-{run}"));
                    Fill(store.Store, options, count, writers, run);
                });
            }

            string full = Path.Combine(folder, "filled");
            using (var fresh = new Opened(full))
            {
                Fill(fresh.Store, options, options.Records, 256, run: 0);
            }

            Measurement.Rate("open and read one", options.Runs, 1, _ => OpenAndReadOne(full));
            Directory.Delete(Path.Combine(full, "hints"), recursive: true);
            Measurement.Rate("open without hints, records", 1, options.Records, _ => OpenAndReadOne(full));
            using var filled = new Opened(full);
            MeasureReads(filled.Store, options);
            PrintState(filled.Store);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return 0;
    }

    private static void OpenAndReadOne(string folder)
    {
        using var opened = new Opened(folder);
        using var done = new ManualResetEventSlim();
        opened.Store.Read(KeyOf(0, 1), _ => done.Set());
        done.Wait();
    }

    private static void MeasureReads(LiteDbRecordStore store, StoreBenchmarkOptions options)
    {
        const int Hot = 1000;
        Key[] stored = [.. Enumerable.Range(0, options.Records).Select(i => KeyOf(0, i))];
        Key[] absent = [.. Enumerable.Range(0, options.Records).Select(i => KeyOf(1, i))];
        foreach (Key key in stored[..Hot])
        {
            // Brings them into the cache.
            using var done = new ManualResetEventSlim();
            store.Read(key, _ => done.Set());
            done.Wait();
        }

        Measurement.Rate("get, hot, one at a time", options.Runs, options.Records, run =>
        {
            var random = new Random(options.Seed + run);
            for (int i = 0; i < options.Records; i++)
            {
                store.Read(stored[random.Next(Hot)], static _ => { });
            }
        });
        Measurement.Rate("get, all keys, 32 at once", options.Runs, options.Records, run =>
        {
            var random = new Random(options.Seed + run);
            using var slots = new SemaphoreSlim(32);
            for (int i = 0; i < options.Records; i++)
            {
                slots.Wait();
                store.Read(stored[random.Next(stored.Length)], record =>
                {
                    Trace.Assert(record is not null, "a record is missing");
                    slots.Release();
                });
            }

            Drain(slots, 32);
        });
        Measurement.Rate("get, absent", options.Runs, options.Records, _ =>
        {
            foreach (Key key in absent)
            {
                store.Read(key, static _ => { });
            }
        });
    }

    private static void Fill(
        LiteDbRecordStore store, StoreBenchmarkOptions options, int count, int writers, int run)
    {
        var random = new Random(options.Seed);
        using var slots = new SemaphoreSlim(writers);
        int failed = 0;
        for (int i = 0; i < count; i++)
        {
            var value = new byte[options.ValueBytes];
            random.NextBytes(value);
            var header = new RecordHeader
            {
                Key = KeyOf(0, i),
                Type = "value",
                Version = new RecordVersion((ulong)run + 1, (ulong)i),
            };
            Record record = RecordCodec.Encode(header, value);
            slots.Wait();
            store.Write(record, outcome =>
            {
                failed += outcome == StoreOutcome.Durable ? 0 : 1;
                slots.Release();
            });
        }

        Drain(slots, writers);
        Trace.Assert(failed == 0, $"{failed} writes failed: {store.Status.Trouble}");
    }

    private static void Drain(SemaphoreSlim slots, int count)
    {
        for (int i = 0; i < count; i++)
        {
            slots.Wait();
        }
    }

    private static Key KeyOf(int group, int number) =>
        Key.HashOf(string.Create(CultureInfo.InvariantCulture, $"{group}/{number}"));

    private static void PrintState(LiteDbRecordStore store)
    {
        StoreStatus status = store.Status;
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{status.Records:n0} records, {status.LiveBytes >> 20} MiB alive,"
            + $" {status.DiskBytes >> 20} MiB on disk;"
            + $" managed heap {GC.GetTotalMemory(true) >> 20} MiB,"
            + $" resident {process.WorkingSet64 >> 20} MiB"));
    }

    private sealed class Opened(string folder) : IDisposable
    {
        public LiteDbRecordStore Store { get; } =
            LiteDbRecordStore.Open(new RecordStoreOptions { Folder = folder });

        public void Dispose() => Store.DisposeAsync().AsTask().Wait();
    }
}
