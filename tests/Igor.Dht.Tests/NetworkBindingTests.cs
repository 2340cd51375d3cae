using Igor.Client;
using Igor.Dht.Protocol;
using Igor.Dht.Storage;
using Igor.Dht.Storage.OnDisk;
using Igor.Kbr;
using Igor.Local;
using Igor.Node;
using Igor.Testing;

namespace Igor.Dht.Tests;

/// <summary>A data folder and its records belong to one network until they are moved on purpose.</summary>
public sealed class NetworkBindingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Data => _folder.Combine("data");

    private string Records => Path.Combine(Data, "records");

    private string Socket => _folder.Combine("s");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Folder_of_one_network_is_refused_to_another()
    {
        await PutAsync("test");
        foreach (string? network in (string?[])["prod", null])
        {
            DhtException refused = await FailureAsync(Options(network));
            AssertSays(refused, "'test'", $"'{network ?? "igor"}'", Data, "igor-dht store adopt");
        }

        Assert.Equal("green", await GetAsync("test"));
    }

    [Fact]
    public async Task Records_alone_are_bound_too()
    {
        await PutAsync("test");
        string other = _folder.Combine("other");
        Directory.CreateDirectory(other);
        Directory.Move(Records, Path.Combine(other, "records"));
        AssertSays(await FailureAsync(Options("prod") with { Data = other }), "'test'", "'prod'", other);

        // The refusal has not bound the folder around them to the wrong name.
        await using IgorDht dht = await IgorDht.OpenAsync(Options("test") with { Data = other });
        Assert.Equal(GetOutcome.Found, (await dht.GetAsync("tea")).Outcome);
    }

    [Fact]
    public async Task Adoption_that_cannot_take_the_records_is_local_trouble_and_lets_go_of_the_folder()
    {
        await PutAsync("test");
        string storeLock = Path.Combine(Records, "store.lock");
        File.Delete(storeLock);
        Directory.CreateDirectory(storeLock); // which no process can open as a file, whoever runs it
        DhtException trouble = Assert.Throws<DhtException>(() => NetworkAdoption.Open(Data));
        Assert.Equal(DhtError.Local, trouble.Error);
        Directory.Delete(storeLock);
        using NetworkAdoption adoption = NetworkAdoption.Open(Data);
        Assert.Equal(["test"], adoption.Networks);
    }

    [Fact]
    public async Task Member_behind_a_daemon_of_another_network_is_refused()
    {
        await PutAsync("test");
        await using IgorNode node = await IgorNode.StartAsync(new IgorNodeOptions { Network = "prod" });
        await using LocalSocketServer daemon = LocalSocketServer.Start(
            node, new LocalSocketServerOptions { Path = Socket, Network = "prod" });
        IgorDhtOptions member = Options(null) with { Socket = Socket, Role = ServiceRole.Member };
        AssertSays(await FailureAsync(member), "'test'", "'prod'", "adopt");
        File.Delete(Path.Combine(Data, "network")); // as if the folder had always stood behind a daemon
        AssertSays(await FailureAsync(member), "'test'", "'prod'", "adopt");
        AssertSays(await FailureAsync(member with { Network = "test" }), "'test'", "'prod'", Socket);
    }

    [Fact]
    public async Task Client_that_names_another_network_is_refused()
    {
        await using IgorDht server = await IgorDht.OpenAsync(
            Options("prod") with { Socket = Socket, ServeSocket = true, Role = ServiceRole.Member });
        AssertSays(await FailureAsync(Options("test") with { Socket = Socket }), "'test'", "'prod'", Socket);
        await using IgorDht any = await IgorDht.OpenAsync(Options(null) with { Socket = Socket });
        Assert.Equal("prod", (await any.StatusAsync()).Network);
    }

    [Fact]
    public async Task Client_does_not_follow_its_daemon_into_another_network()
    {
        await using IgorNode test = await IgorNode.StartAsync(new IgorNodeOptions { Network = "test" });
        LocalSocketServer before = LocalSocketServer.Start(
            test, new LocalSocketServerOptions { Path = Socket, Network = "test" });
        await using IgorClient client = await IgorClient.ConnectAsync(new IgorClientOptions
        {
            SocketPath = Socket,
            ReconnectDelayMax = TimeSpan.FromMilliseconds(100),
        });
        await before.DisposeAsync();
        await using IgorNode prod = await IgorNode.StartAsync(new IgorNodeOptions { Network = "prod" });
        await using LocalSocketServer after = LocalSocketServer.Start(
            prod, new LocalSocketServerOptions { Path = Socket, Network = "prod" });
        await Eventually.HoldsAsync(
            () => TroubleOf(client)?.Contains("'prod'", StringComparison.Ordinal) == true,
            "the client says why it stays away");
        Assert.Equal("test", client.Network);
    }

    [Fact]
    public async Task Folder_of_before_is_bound_when_it_is_opened_and_that_is_told()
    {
        await PutAsync("test");
        File.Delete(Path.Combine(Data, "network"));
        File.Delete(Path.Combine(Records, "network"));
        var notes = new List<string>();
        await (await IgorDht.OpenAsync(Options("prod") with { Noted = notes.Add })).DisposeAsync();
        Assert.Equal(2, notes.Count);
        Assert.All(notes, note => Assert.Contains("'prod'", note, StringComparison.Ordinal));
        AssertSays(await FailureAsync(Options("test")), "'test'", "'prod'");
    }

    [Fact]
    public async Task Damaged_name_in_the_records_is_mended_by_a_move_of_the_data_folder()
    {
        await PutAsync("test");
        await File.WriteAllTextAsync(Path.Combine(Data, "records", "network"), "nonsense");
        AssertSays(await FailureAsync(Options("test")), "damaged", $"--data {Data} --yes");
    }

    [Fact]
    public async Task Store_in_use_names_the_process_that_has_it_open()
    {
        await PutAsync("test");
        string records = Path.Combine(Data, "records");
        await using var held = LiteDbRecordStore.Open(
            new RecordStoreOptions { Folder = records, Home = DataFolderHome.Instance });
        AssertSays(
            await FailureAsync(Options("test")),
            records,
            $"(process {Environment.ProcessId})",
            $"No node of the data folder {Data} listens");
    }

    [Theory]
    [InlineData("")]
    [InlineData("igor-network 1\n")]
    [InlineData("nonsense\ntest\n")]
    public async Task Damaged_name_is_refused_and_mended_by_a_move(string damaged)
    {
        await PutAsync("test");
        await File.WriteAllTextAsync(Path.Combine(Data, "network"), damaged);
        AssertSays(await FailureAsync(Options("test")), "damaged", "igor-dht store adopt");
        using (NetworkAdoption adoption = NetworkAdoption.Open(Data))
        {
            adoption.MoveTo("test");
        }

        Assert.Equal("green", await GetAsync("test"));
    }

    [Fact]
    public async Task Folder_is_moved_on_purpose_with_its_records_and_without_its_peers()
    {
        await PutAsync("test");
        await File.WriteAllTextAsync(Path.Combine(Data, "peers"), "igor-peers 1\n127.0.0.1:1\n");
        using (NetworkAdoption adoption = NetworkAdoption.Open(Data))
        {
            Assert.Equal(["test"], adoption.Networks);
            Assert.True(adoption.HasRecords);
            adoption.MoveTo("prod");
        }

        Assert.False(File.Exists(Path.Combine(Data, "peers")));
        Assert.Equal("green", await GetAsync("prod"));
        await FailureAsync(Options("test"));
    }

    [Fact]
    public async Task Folder_in_use_and_folder_of_nothing_are_not_moved()
    {
        Assert.Throws<DhtException>(() => NetworkAdoption.Open(Data));
        Assert.False(Directory.Exists(Data));
        await using IgorDht dht = await IgorDht.OpenAsync(Options("test"));
        Assert.Throws<DhtException>(() => NetworkAdoption.Open(Data));
    }

    [Fact]
    public async Task Backup_keeps_the_network()
    {
        var options = new RecordStoreOptions
        {
            Folder = Records,
            Home = DataFolderHome.Instance,
            Network = "test",
        };
        string backup = _folder.Combine("backup");
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(options))
        {
            await store.BackupAsync(backup);
        }

        RecordStoreOptions elsewhere = options with { Folder = _folder.Combine("elsewhere") };
        await Assert.ThrowsAsync<RecordStoreException>(
            () => LiteDbRecordStore.RestoreAsync(backup, elsewhere with { Network = "prod" }));
        await LiteDbRecordStore.RestoreAsync(backup, elsewhere with { Network = "" });
        RecordStoreException refused = Assert.Throws<RecordStoreException>(
            () => LiteDbRecordStore.Open(elsewhere with { Network = "prod" }));
        Assert.Contains("'test'", refused.Message, StringComparison.Ordinal);
        await LiteDbRecordStore.Open(elsewhere).DisposeAsync();
    }

    private static async Task<DhtException> FailureAsync(IgorDhtOptions options)
    {
        DhtException failure = await Assert.ThrowsAsync<DhtException>(async () =>
        {
            await using IgorDht dht = await IgorDht.OpenAsync(options);
        });
        Assert.Equal(DhtError.Local, failure.Error);
        return failure;
    }

    private static string? TroubleOf(IgorClient client)
    {
        Task<HostStatus> asking = client.GetStatusAsync().AsTask();
        return asking.IsFaulted ? asking.Exception.InnerException!.Message : null;
    }

    private static void AssertSays(DhtException trouble, params string[] words) =>
        Assert.All(words, word => Assert.Contains(word, trouble.Message, StringComparison.Ordinal));

    private IgorDhtOptions Options(string? network) => new() { Data = Data, Network = network };

    private async Task PutAsync(string network)
    {
        await using IgorDht dht = await IgorDht.OpenAsync(Options(network));
        await dht.PutAsync("tea", "green"u8.ToArray());
    }

    private async Task<string> GetAsync(string network)
    {
        await using IgorDht dht = await IgorDht.OpenAsync(Options(network));
        return System.Text.Encoding.UTF8.GetString((await dht.GetAsync("tea")).Value.Span);
    }
}
