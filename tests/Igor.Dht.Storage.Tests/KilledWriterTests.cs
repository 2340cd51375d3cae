using System.Diagnostics;
using System.Globalization;
using Igor.Dht.Storage.OnDisk;
using Igor.Dht.StoreWriter;
using Igor.Testing;

namespace Igor.Dht.Storage.Tests;

public sealed class KilledWriterTests : IDisposable
{
    private const int Kills = 50;
    private const int VerifyEvery = 2;

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<int, ulong> _acknowledged = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Writer_killed_fifty_times_loses_and_damages_nothing()
    {
        const int Seed = 4711;
        var random = new Random(Seed);
        for (int run = 1; run <= Kills; run++)
        {
            await WriteUntilKilled(run, TimeSpan.FromMilliseconds(random.Next(300)));

            // Every other time the next writer finds the store just as the killed one left it.
            if (run % VerifyEvery == 0)
            {
                await Verify($"seed {Seed}, kill {run}");
            }
        }
    }

    private async Task WriteUntilKilled(int run, TimeSpan life)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Igor.Dht.StoreWriter.dll");
        using var writer = Process.Start(new ProcessStartInfo(
            "dotnet", [program, _folder.Path, run.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = writer.StandardError.ReadToEndAsync();
        string? line = await writer.StandardOutput.ReadLineAsync();
        Assert.True(
            line is not null, "the writer wrote nothing: " + (line is null ? await errors : string.Empty));

        using var killed = new CancellationTokenSource(life);
        killed.Token.Register(writer.Kill);
        for (; line is not null; line = await writer.StandardOutput.ReadLineAsync())
        {
            Note(line);
        }

        await writer.WaitForExitAsync();
    }

    private void Note(string line)
    {
        // The last line may be cut.
        if (!line.EndsWith(';'))
        {
            return;
        }

        string[] parts = line[..^1].Split(' ');
        int number = int.Parse(parts[0], CultureInfo.InvariantCulture);
        ulong clock = ulong.Parse(parts[1], CultureInfo.InvariantCulture);
        _acknowledged[number] = Math.Max(clock, _acknowledged.GetValueOrDefault(number));
    }

    private async Task Verify(string when)
    {
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(
            WrittenRecords.Options(_folder.Path));
        int found = 0;
        for (int number = 0; number < WrittenRecords.Count; number++)
        {
            Record? record = await store.ReadAsync(WrittenRecords.KeyOf(number));
            if (record is not null)
            {
                found++;
                Record expected = WrittenRecords.Make(number, record.Header.Version.Clock);
                Assert.True(
                    expected.Encoded.Span.SequenceEqual(record.Encoded.Span), $"record {number}, {when}");
            }

            if (number < WrittenRecords.KeptCount && _acknowledged.TryGetValue(number, out ulong clock))
            {
                Assert.True(
                    record is not null && record.Header.Version.Clock >= clock, $"record {number}, {when}");
            }
        }

        Assert.Equal(found, store.Status.Records);
        Assert.Equal(found, store.Headers(Kbr.Arc.Whole).Count());
        Assert.True(store.Status is { DamagedRecords: 0, Trouble: null }, $"{store.Status}, {when}");
    }
}
