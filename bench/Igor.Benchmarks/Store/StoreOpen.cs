using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage;
using Igor.Dht.Storage.OnDisk;
using Igor.Kbr;

// A store with many records: how fast it fills, opens after a clean stop, after a kill and without hints, and
// what memory it takes. Each opening is a process of its own, so that none finds the memory of another.

namespace Igor.Benchmarks;

/// <summary>Measures a large record store.</summary>
internal static class StoreOpen
{
    private const int WritersAtOnce = 2000;
    private const int PutsAtATime = 100;
    private const int EntryOverhead = 72;
    private const int SmallRecords = 10_000;
    private const int MorePuts = 200_000;
    private const int Lookups = 200_000;

    /// <summary>The command that runs it.</summary>
    public static Command Command()
    {
        var records = new Option<int>("--records") { DefaultValueFactory = _ => 1_000_000 };
        var bytes = new Option<int>("--bytes") { DefaultValueFactory = _ => 1024 };
        var repeats = new Option<int>("--repeats") { DefaultValueFactory = _ => 5 };
        var folder = new Option<string>("--folder") { DefaultValueFactory = _ => Path.GetTempPath() };
        var step = new Option<string>("--step") { Hidden = true, DefaultValueFactory = _ => "" };
        records.Description = "Records in the store.";
        bytes.Description = "Size of a value.";
        repeats.Description = "Openings of each kind.";
        folder.Description = "Where the store is made: the disk below is what is measured.";
        var command = new Command("store-open", "Filling, opening and memory of a large record store.")
        {
            records, bytes, repeats, folder, step,
        };
        command.SetAction(result =>
        {
            string at = Path.Combine(result.GetValue(folder)!, "igor-store-open");
            (int count, int size) = (result.GetValue(records), result.GetValue(bytes));
            switch (result.GetValue(step))
            {
                case "":
                    RunAll(at, count, size, result.GetValue(repeats));
                    break;
                case "fill":
                    Fill(at, count, size);
                    break;
                case "put":
                    PutMore(at, size);
                    break;
                case "open":
                    Open(at, count, isKilled: false);
                    break;
                default:
                    Open(at, count, isKilled: true);
                    break;
            }
        });
        return command;
    }

    private static void RunAll(string folder, int records, int bytes, int repeats)
    {
        Measurement.PrintMachine();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{records:n0} records of {bytes} B in {folder}, {repeats} openings"));
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        try
        {
            Step("fill", folder, records, bytes);
            Step("open", folder, records, bytes); // brings what was just written into a state of rest
            Repeat("after a clean stop", repeats, () => Step("open", folder, records, bytes));
            Step("kill", folder, records, bytes);
            Repeat("after SIGKILL", repeats, () => Step("kill", folder, records, bytes));
            Repeat("without hints", Math.Min(3, repeats), () =>
            {
                Directory.Delete(Path.Combine(folder, "hints"), recursive: true);
                return Step("open", folder, records, bytes);
            });
            MeasurePuts(folder, records, bytes, repeats); // last, for the store grows by them
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Repeat(string name, int repeats, Func<Dictionary<string, double>> run)
    {
        Dictionary<string, double>[] all = [.. Enumerable.Range(0, repeats).Select(_ => run())];
        foreach (string what in all[0].Keys)
        {
            double[] values = [.. all.Select(one => one[what]).Order()];
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name + ": " + what,-44} median {values[values.Length / 2],10:n2}"
                + $"   from {values[0],10:n2} to {values[^1],10:n2}"));
        }
    }

    /// <summary>
    /// Puts into the large store and into a small one, in turn, each time beside a file.
    /// </summary>
    private static void MeasurePuts(string folder, int records, int bytes, int repeats)
    {
        string small = Path.Combine(folder, "small", "igor-store-open");
        Step("fill", small, SmallRecords, bytes);
        var runs = new Dictionary<string, List<Dictionary<string, double>>>();
        for (int run = 0; run < repeats; run++)
        {
            foreach ((string name, string at) in (ReadOnlySpan<(string, string)>)
                [($"puts at {records:n0}", folder), ($"puts at {SmallRecords:n0}", small)])
            {
                runs.TryAdd(name, []);
                runs[name].Add(Step("put", at, records, bytes));
            }
        }

        foreach ((string name, List<Dictionary<string, double>> all) in runs)
        {
            int next = 0;
            Repeat(name, repeats, () => all[next++]);
        }

        Directory.Delete(Path.GetDirectoryName(small)!, recursive: true);
    }

    /// <summary>
    /// Puts new records, so many at once, and then appends the same bytes to a file in as many batches as the
    /// store synced. The bytes of both are there before.
    /// </summary>
    private static void PutMore(string folder, int bytes)
    {
        LiteDbRecordStore store = LiteDbRecordStore.Open(OptionsFor(folder));
        var value = new byte[bytes];
        int at = Random.Shared.Next(int.MinValue, -MorePuts - MorePuts - Lookups);
        Record[] records = [.. Enumerable.Range(at, MorePuts + (MorePuts / 4))
            .Select(number => RecordOf(number, new RecordVersion(1, 1), value))];
        Put(store, records.AsSpan(MorePuts)); // what is compiled at first use
        long begin = Stopwatch.GetTimestamp();
        double processor = ProcessorSeconds();
        long syncs = store.Syncs;
        Put(store, records.AsSpan(0, MorePuts));
        double puts = MorePuts / Stopwatch.GetElapsedTime(begin).TotalSeconds;
        Print("a second", puts);
        Print("microseconds of processor time", (ProcessorSeconds() - processor) * 1e6 / MorePuts);
        int batches = (int)(store.Syncs - syncs);
        Print("syncs", batches);
        store.DisposeAsync().AsTask().Wait();

        string path = Path.Combine(folder, "appended");
        long entry = records[0].Encoded.Length + EntryOverhead;
        var rest = new byte[entry * MorePuts / batches];
        using (var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0))
        {
            begin = Stopwatch.GetTimestamp();
            for (int i = 0; i < batches; i++)
            {
                file.Write(rest);
                file.Flush(flushToDisk: true);
            }
        }

        double appended = MorePuts / Stopwatch.GetElapsedTime(begin).TotalSeconds;
        Print("appended and synced a second", appended);
        Print("percent of that", puts / appended * 100);
        File.Delete(path);
    }

    /// <summary>Puts as many as may be outstanding at once, and one more for each that is done.</summary>
    private static void Put(LiteDbRecordStore store, ReadOnlySpan<Record> records)
    {
        object gate = new();
        int done = 0;
        int failed = 0;
        void Complete(StoreOutcome outcome)
        {
            failed += outcome == StoreOutcome.Durable ? 0 : 1; // the store calls back on one thread
            if (++done % PutsAtATime == 0)
            {
                lock (gate)
                {
                    Monitor.Pulse(gate);
                }
            }
        }

        Action<StoreOutcome> completed = Complete;
        for (int i = 0; i <= records.Length; i += PutsAtATime)
        {
            int least = i == records.Length ? i : i + PutsAtATime - WritersAtOnce;
            lock (gate)
            {
                while (Volatile.Read(ref done) < least)
                {
                    Monitor.Wait(gate);
                }
            }

            foreach (Record record in records[i..Math.Min(i + PutsAtATime, records.Length)])
            {
                store.Write(record, completed);
            }
        }

        Trace.Assert(failed == 0, $"{failed} writes failed: {store.Status.Trouble}");
    }

    private static double ProcessorSeconds()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime.TotalSeconds;
    }

    /// <summary>Runs a step in a process of its own; what it prints as "name=value" comes back.</summary>
    private static Dictionary<string, double> Step(string step, string folder, int records, int bytes)
    {
        string[] arguments =
        [
            "store-open", "--step", step, "--folder", Path.GetDirectoryName(folder)!,
            "--records", records.ToString(CultureInfo.InvariantCulture),
            "--bytes", bytes.ToString(CultureInfo.InvariantCulture),
        ];
        string program = Environment.ProcessPath!;
        bool isHosted = Path.GetFileNameWithoutExtension(program) == "dotnet";
        string self = typeof(StoreOpen).Assembly.Location;
        var start = new ProcessStartInfo(program, isHosted ? [self, .. arguments] : arguments)
        {
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        var found = new Dictionary<string, double>();
        while (process.StandardOutput.ReadLine() is string line)
        {
            string[] parts = line.Split('=');
            if (parts.Length == 2)
            {
                found[parts[0]] = double.Parse(parts[1], CultureInfo.InvariantCulture);
            }
            else
            {
                Console.WriteLine(line);
            }
        }

        process.WaitForExit();
        return found;
    }

    private static void Fill(string folder, int records, int bytes)
    {
        LiteDbRecordStore store = LiteDbRecordStore.Open(OptionsFor(folder));
        var random = new Random(1);
        var value = new byte[bytes];
        random.NextBytes(value);
        using var slots = new SemaphoreSlim(WritersAtOnce);
        int failed = 0;
        int part = Math.Max(1, records / 10);
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < records; i++)
        {
            Record record = RecordOf(i, new RecordVersion(1, 1), value);
            slots.Wait();
            store.Write(record, outcome =>
            {
                failed += outcome == StoreOutcome.Durable ? 0 : 1;
                slots.Release();
            });
            if (i + 1 == Math.Min(10_000, records) || (i + 1) % part == 0)
            {
                using var process = Process.GetCurrentProcess();
                double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
                int done = i + 1 <= 10_000 ? i + 1 : part - ((i + 1) == part ? Math.Min(10_000, records) : 0);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {i + 1,12:n0} records, {done / seconds,10:n0} puts/s,"
                    + $" resident {process.WorkingSet64 >> 20} MiB,"
                    + $" processor {process.TotalProcessorTime.TotalSeconds:n1} s"));
                begin = Stopwatch.GetTimestamp();
            }
        }

        for (int i = 0; i < WritersAtOnce; i++)
        {
            slots.Wait();
        }

        Trace.Assert(failed == 0, $"{failed} writes failed: {store.Status.Trouble}");
        store.DisposeAsync().AsTask().Wait();
    }

    private static void Open(string folder, int records, bool isKilled)
    {
        long begin = Stopwatch.GetTimestamp();
        LiteDbRecordStore store = LiteDbRecordStore.Open(OptionsFor(folder));
        using var done = new ManualResetEventSlim();
        Record? read = null;
        store.Read(KeyOf(records / 2), record =>
        {
            read = record;
            done.Set();
        });
        done.Wait();
        Print("seconds until it serves", Stopwatch.GetElapsedTime(begin).TotalSeconds);
        using (var process = Process.GetCurrentProcess())
        {
            Print("seconds of processor time by then", process.TotalProcessorTime.TotalSeconds);
        }

        Trace.Assert(read is not null && store.Status.Records >= records, store.Status.ToString());
        PrintMemory("MiB resident at once");
        Key[] absent = [.. Enumerable.Range(0, Lookups).Select(i => KeyOf(-1 - i))];
        MeasureAbsent(store, absent[..1000]);
        Print("microseconds for an absent key", MeasureAbsent(store, absent));
        Thread.Sleep(2000);
        PrintMemory("MiB resident after two seconds");
        if (isKilled)
        {
            // Something behind the hints, as a node that writes has it.
            for (int i = 0; i < 1000; i++)
            {
                done.Reset();
                store.Write(RecordOf(i, new RecordVersion(2, (ulong)begin), new byte[100]), _ => done.Set());
                done.Wait();
            }

            Console.Out.Flush();
            Process.GetCurrentProcess().Kill();
        }

        store.DisposeAsync().AsTask().Wait();
    }

    private static double MeasureAbsent(LiteDbRecordStore store, Key[] absent)
    {
        long begin = Stopwatch.GetTimestamp();
        foreach (Key key in absent)
        {
            store.Read(key, static _ => { });
        }

        return Stopwatch.GetElapsedTime(begin).TotalMicroseconds / absent.Length;
    }

    private static RecordStoreOptions OptionsFor(string folder) => new()
    {
        Folder = folder,
        QuotaBytes = long.MaxValue,
        IndexBytes = 1L << 34,
    };

    private static void PrintMemory(string what)
    {
        using var process = Process.GetCurrentProcess();
        Print(what, process.WorkingSet64 / 1048576.0);
    }

    private static void Print(string what, double value) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}={value:f3}"));

    private static Record RecordOf(int number, RecordVersion version, byte[] value) => RecordCodec.Encode(
        new RecordHeader { Key = KeyOf(number), Type = "value", Version = version }, value);

    private static Key KeyOf(int number) =>
        Key.HashOf(string.Create(CultureInfo.InvariantCulture, $"record {number}"));
}
