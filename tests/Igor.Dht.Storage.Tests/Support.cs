using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Storage.Tests;

/// <summary>A wall clock that tests set.</summary>
internal sealed class TestClock
{
    public DateTimeOffset Now { get; set; } = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);

    public long NowMs => Now.ToUnixTimeMilliseconds();

    public bool IsTrusted { get; set; } = true;

    public NetworkTime Time => new(NowMs, IsTrusted);
}

/// <summary>Makes records and waits for stores.</summary>
internal static class StoreTesting
{
    /// <summary>A store in memory with the bounds of one on disk.</summary>
    public static InMemoryRecordStore InMemory(RecordStoreOptions options) => new(options.Time)
    {
        QuotaBytes = options.QuotaBytes,
        OwnerQuotaBytes = options.OwnerQuotaBytes > 0 ? options.OwnerQuotaBytes : long.MaxValue,
        ExpiredRetention = options.ExpiredRetention,
    };

    public static Record RecordOf(
        string name,
        string value,
        ulong clock = 1,
        long expiresAt = 0,
        Key owner = default,
        bool isTombstone = false) =>
        RecordOf(
            Key.HashOf(name),
            System.Text.Encoding.UTF8.GetBytes(value),
            clock,
            expiresAt,
            owner,
            isTombstone);

    public static Record RecordOf(
        Key key,
        byte[] value,
        ulong clock = 1,
        long expiresAt = 0,
        Key owner = default,
        bool isTombstone = false) =>
        RecordCodec.Encode(
            new RecordHeader
            {
                Key = key,
                Type = "value",
                Version = new RecordVersion(clock, 7),
                ExpiresAtUnixMs = expiresAt,
                Owner = owner,
                IsTombstone = isTombstone,
            },
            value);

    public static string TextOf(Record? record) => record is null
        ? "(none)"
        : System.Text.Encoding.UTF8.GetString(RecordCodec.ValueOf(record).Span);

    public static Task<StoreOutcome> WriteAsync(this IRecordStore store, Record record) =>
        Await<StoreOutcome>(completed => store.Write(record, completed));

    public static Task<StoreOutcome> ReplaceAsync(
        this IRecordStore store, Record record, RecordVersion held) =>
        Await<StoreOutcome>(completed => store.Replace(record, held, completed));

    /// <summary>Writes as a client does: again while the store is busy, for 30 s.</summary>
    public static async Task<StoreOutcome> WriteInTimeAsync(this IRecordStore store, Record record)
    {
        StoreOutcome outcome = await store.WriteAsync(record);
        for (int attempt = 0; attempt < 600 && outcome == StoreOutcome.Busy; attempt++)
        {
            await Task.Delay(50);
            outcome = await store.WriteAsync(record);
        }

        return outcome;
    }

    public static Task<StoreOutcome> RemoveAsync(this IRecordStore store, Key key, ulong clock) =>
        Await<StoreOutcome>(completed => store.Remove(key, new RecordVersion(clock, 7), completed));

    public static Task<Record?> ReadAsync(this IRecordStore store, Key key) =>
        Await<Record?>(completed => store.Read(key, completed));

    public static Task<Record?> ReadAsync(this IRecordStore store, string name) =>
        store.ReadAsync(Key.HashOf(name));

    private static async Task<T> Await<T>(Action<Action<T>> begin)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        begin(result => Assert.True(done.TrySetResult(result), "called back twice"));
        return await done.Task.WaitAsync(TimeSpan.FromSeconds(60));
    }
}
