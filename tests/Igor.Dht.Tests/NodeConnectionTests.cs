using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Local;
using Igor.Node;
using Igor.Node.Memory;
using Igor.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Igor.Dht.Tests;

public sealed class NodeConnectionTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();

    private string Socket => _folder.Combine("igor.sock");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Records_outlive_the_process_that_wrote_them()
    {
        await using (IgorDht first = await IgorDht.OpenAsync(Options()))
        {
            await first.PutAsync("tea", "green"u8.ToArray());
        }

        await using IgorDht second = await IgorDht.OpenAsync(Options());
        Assert.Equal("green"u8.ToArray(), (await second.GetAsync("tea")).Value.ToArray());
        Assert.Equal(DhtAttachment.EmbeddedMember, (await second.StatusAsync()).Attachment);
    }

    [Fact]
    public async Task Client_attaches_to_whoever_serves_the_socket()
    {
        await using IgorDht server = await IgorDht.OpenAsync(Server());
        await using IgorDht client = await IgorDht.OpenAsync(
            Options() with { Data = _folder.Combine("other"), Socket = Socket });
        await client.PutAsync("tea", "green"u8.ToArray());
        Assert.Equal("green"u8.ToArray(), (await server.GetAsync("tea")).Value.ToArray());
        DhtStatus status = await client.StatusAsync();
        Assert.Equal((DhtAttachment.DaemonClient, Socket), (status.Attachment, status.Socket));
        Assert.Equal(server.NodeId, client.NodeId);
        Assert.False(Directory.Exists(_folder.Combine("other")));
    }

    [Fact]
    public async Task Member_keeps_the_records_behind_a_daemon_that_keeps_none()
    {
        await using IgorNode node = await IgorNode.StartAsync(new IgorNodeOptions { Network = "test" });
        await using LocalSocketServer daemon = LocalSocketServer.Start(
            node, new LocalSocketServerOptions { Path = Socket, Network = "test" });
        await using (IgorDht member = await IgorDht.OpenAsync(
            Options() with { Role = ServiceRole.Member, Socket = Socket }))
        {
            await using IgorDht client = await IgorDht.OpenAsync(Options() with { Socket = Socket });
            PutReceipt receipt = await client.PutAsync("tea", "green"u8.ToArray());
            Assert.Equal([node.NodeId], receipt.Holders);
            DhtStatus status = await member.StatusAsync();
            Assert.Equal((DhtAttachment.DaemonMember, 1L), (status.Attachment, status.Store!.Records));
        }
    }

    [Fact]
    public async Task Second_member_behind_a_daemon_is_told_why_not()
    {
        await using IgorDht server = await IgorDht.OpenAsync(Server());
        DhtException refused = await Assert.ThrowsAsync<DhtException>(() => IgorDht.OpenAsync(Options() with
        {
            Role = ServiceRole.Member,
            Socket = Socket,
            Data = _folder.Combine("other"),
        }));
        Assert.Equal(DhtError.Local, refused.Error);
    }

    [Fact]
    public async Task Folder_in_use_is_waited_for_and_then_named()
    {
        IgorDht first = await IgorDht.OpenAsync(Options());
        Task<IgorDht> second = IgorDht.OpenAsync(Options());
        await Assert.ThrowsAsync<DhtException>(
            () => IgorDht.OpenAsync(Options() with { Timeout = TimeSpan.FromMilliseconds(200) }));
        Assert.False(second.IsCompleted);
        await first.DisposeAsync();
        await (await second).DisposeAsync();
    }

    [Fact]
    public async Task Closed_dht_says_so()
    {
        IgorDht dht = await IgorDht.OpenAsync(Options());
        await dht.DisposeAsync();
        await dht.DisposeAsync();
        DhtException closed = await Assert.ThrowsAsync<DhtException>(() => dht.GetAsync("tea"));
        Assert.Equal(DhtError.Local, closed.Error);
    }

    [Fact]
    public async Task Data_folder_that_is_a_file_is_local_trouble()
    {
        string file = _folder.Combine("file");
        await File.WriteAllTextAsync(file, "x");
        DhtException trouble = await Assert.ThrowsAsync<DhtException>(
            () => IgorDht.OpenAsync(Options() with { Data = file }));
        Assert.Equal(DhtError.Local, trouble.Error);
        Assert.Contains(file, trouble.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    public async Task Number_of_replicas_out_of_range_is_a_mistake_of_the_caller(int replicas)
    {
        await using IgorDht dht = await IgorDht.OpenAsync(Options());
        await Assert.ThrowsAsync<ArgumentException>(
            () => dht.PutAsync("tea", default, new PutOptions { Replicas = replicas }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(long.MaxValue)]
    public async Task Timeout_out_of_range_is_a_mistake_of_the_caller(long ticks)
    {
        TimeSpan timeout = TimeSpan.FromTicks(ticks);
        await using IgorDht dht = await IgorDht.OpenAsync(Options());
        await Assert.ThrowsAsync<ArgumentException>(
            () => dht.PutAsync("tea", default, new PutOptions { Timeout = timeout }).WaitAsync(Patience));
        await Assert.ThrowsAsync<ArgumentException>(
            () => dht.GetAsync("tea", new GetOptions { Timeout = timeout }).WaitAsync(Patience));
    }

    [Fact]
    public async Task Operation_that_the_node_throws_at_ends_with_the_exception()
    {
        using var host = new DhtHost(
            Key.Zero,
            new DhtNodeOptions(),
            store: null,
            new ByteBudget(64 << 20),
            () => default,
            NullLogger.Instance);
        await host.StartAsync();
        Task<OperationResult> operation = host.GetAsync(
            new DhtGet
            {
                Key = Key.Zero,
                Type = ValueRecordType.TypeName,
                Consistency = GetConsistency.Root,
                Timeout = TimeSpan.MaxValue,
            },
            CancellationToken.None);
        await Assert.ThrowsAsync<OverflowException>(() => operation.WaitAsync(Patience));
    }

    private IgorDhtOptions Server() =>
        Options() with { Role = ServiceRole.Member, Socket = Socket, ServeSocket = true };

    private IgorDhtOptions Options() => new()
    {
        Data = _folder.Combine("data"),
        Network = "test",
    };
}
