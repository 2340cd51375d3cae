using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.OnDisk;
using Igor.Dht.Storage.Queries;
using Igor.Kbr;
using Igor.Testing;

using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>Queries are answered completely, whatever the state of the catalogue, or fail.</summary>
public sealed class CatalogueTests : IDisposable
{
    private static readonly Key s_alice = Key.HashOf("alice");
    private readonly TemporaryFolder _folder = new();
    private readonly RecordStoreOptions _options;

    public CatalogueTests() => _options = new RecordStoreOptions { Folder = _folder.Combine("store") };

    private string File => Path.Combine(_options.Folder, "catalogue", "catalogue.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Query_finds_by_type_owner_and_end_what_is_stored_now()
    {
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);
        await Fill(store);

        await Expect(store, new RecordQuery { CountMax = 5000 }, _ => true);
        await Expect(store, new RecordQuery { Owner = s_alice }, header => header.Owner == s_alice);
        await Expect(store, new RecordQuery { Type = "none" }, _ => false);
        await Expect(
            store,
            new RecordQuery { EndsBeforeUnixMs = long.MaxValue },
            header => header.ExpiresAtUnixMs > 0);

        await store.WriteAsync(RecordOf("key 3", "not hers any more", clock: 2));
        await store.RemoveAsync(Key.HashOf("key 0"), clock: 1);
        await store.WriteAsync(RecordOf("new", "x", owner: s_alice));
        await Expect(store, new RecordQuery { Owner = s_alice }, header => header.Owner == s_alice);
        await Expect(
            store, new RecordQuery { Owner = s_alice, Type = "value" }, header => header.Owner == s_alice);
    }

    [Fact]
    public async Task Pages_of_a_query_follow_one_another()
    {
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);
        await Fill(store);
        var keys = new List<Key>();
        var query = new RecordQuery { Owner = s_alice, CountMax = 7 };
        for (List<RecordHeader> page = await store.FindAsync(query); page.Count > 0;)
        {
            keys.AddRange(page.Select(header => header.Key));
            page = await store.FindAsync(query with { After = keys[^1] });
        }

        Assert.Equal(
            store.Headers(Arc.Whole)
                .Where(header => header.Owner == s_alice)
                .Select(header => header.Key),
            keys);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Catalogue_that_is_harmed_answers_completely_or_is_made_anew(int harm)
    {
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);
        await Fill(store);
        await store.FindAsync(new RecordQuery());
        byte[] bytes = await System.IO.File.ReadAllBytesAsync(File);
        switch (harm)
        {
            case 0:
                bytes = bytes[..(bytes.Length / 2)];
                break;
            case 1:
                new Random(1).NextBytes(bytes);
                break;
            case 2:
                bytes.AsSpan(bytes.Length / 2, bytes.Length / 4).Clear();
                break;
            default:
                bytes = [];
                break;
        }

        await System.IO.File.WriteAllBytesAsync(File, bytes);

        await Expect(store, new RecordQuery { Owner = s_alice }, header => header.Owner == s_alice);
        await Expect(store, new RecordQuery { CountMax = 5000 }, _ => true);
    }

    [Fact]
    public async Task Catalogue_that_lacks_a_record_which_it_took_is_noticed()
    {
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);
        await Fill(store);
        await store.FindAsync(new RecordQuery());
        using (var file = new CatalogueFile(Path.GetDirectoryName(File)!))
        {
            file.Forget([Key.HashOf("key 3"), Key.HashOf("key 6")]);
        }

        await Expect(store, new RecordQuery { Owner = s_alice }, header => header.Owner == s_alice);
    }

    [Fact]
    public async Task Query_fails_when_no_catalogue_can_be_made()
    {
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);
        await Fill(store);
        await System.IO.File.WriteAllTextAsync(Path.Combine(_options.Folder, "catalogue"), "in the way");

        await Assert.ThrowsAsync<RecordStoreException>(() => store.FindAsync(new RecordQuery()));
    }

    [Fact]
    public async Task Queries_at_once_while_records_are_written_are_complete()
    {
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);
        await Fill(store);
        Task<StoreOutcome>[] writes = [.. Enumerable.Range(0, 500)
            .Select(i => store.WriteAsync(RecordOf($"later {i}", "x", owner: s_alice)))];
        List<RecordHeader>[] answers = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => store.FindAsync(new RecordQuery { Owner = s_alice })));
        await Task.WhenAll(writes);

        Key[] before = [.. store.Headers(Arc.Whole)
            .Where(header => header.Owner == s_alice && header.Version.Clock == 1)
            .Select(header => header.Key)];
        Key[] first = [.. before.Where(key => Enumerable.Range(0, 500)
            .All(i => key != Key.HashOf($"later {i}")))];
        Assert.All(answers, answer => Assert.Subset(
            answer.Select(header => header.Key).ToHashSet(), first.ToHashSet()));
        await Expect(store, new RecordQuery { Owner = s_alice }, header => header.Owner == s_alice);
    }

    private static Task<StoreOutcome[]> Fill(LiteDbRecordStore store) =>
        Task.WhenAll(Enumerable.Range(0, 300).Select(i => store.WriteAsync(RecordOf(
            $"key {i}",
            "value",
            expiresAt: i % 5 == 0 ? 1L << 60 : 0,
            owner: i % 3 == 0 ? s_alice : default))));

    private static async Task Expect(
        LiteDbRecordStore store, RecordQuery query, Func<RecordHeader, bool> wanted)
    {
        Assert.Equal(store.Headers(Arc.Whole).Where(wanted), await store.FindAsync(query));
    }
}
