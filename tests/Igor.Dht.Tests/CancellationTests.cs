using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Testing;

namespace Igor.Dht.Tests;

public sealed class CancellationTests : IDisposable
{
    private static readonly byte[] s_green = "green"u8.ToArray();
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancelled => new(canceled: true);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Call_with_a_cancelled_token_does_nothing_and_throws()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => IgorDht.OpenAsync(Options, Cancelled));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));

        await using IgorDht dht = await IgorDht.OpenAsync(Options);
        await dht.PutAsync("tea", s_green);
        foreach (Func<Task> call in (Func<Task>[])
        [
            () => dht.PutAsync("tea", "black"u8.ToArray(), cancellationToken: Cancelled),
            () => dht.PutAsync("coffee", s_green, cancellationToken: Cancelled),
            () => dht.PutImmutableAsync(s_green, cancellationToken: Cancelled),
            () => dht.DeleteAsync("tea", cancellationToken: Cancelled),
            () => dht.GetAsync("tea", cancellationToken: Cancelled),
            () => dht.GetImmutableAsync(Key.Zero, cancellationToken: Cancelled),
            () => dht.StatusAsync(Cancelled),
        ])
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(call);
        }

        Assert.Equal(s_green, (await dht.GetAsync("tea")).Value.ToArray());
        Assert.Equal(GetOutcome.Absent, (await dht.GetAsync("coffee")).Outcome);
        Assert.Equal(
            GetOutcome.Absent, (await dht.GetImmutableAsync(DhtKey.ForImmutable(s_green))).Outcome);
    }

    [Fact]
    public async Task Put_that_is_cancelled_under_way_ends_at_once()
    {
        // Nobody is there, so a put would try for its ten minutes.
        await using IgorDht dht = await IgorDht.OpenAsync(
            Options with { Bootstrap = ["127.0.0.1:1"], Timeout = TimeSpan.FromMinutes(10) });
        using var source = new CancellationTokenSource();
        Task put = dht.PutAsync("tea", s_green, cancellationToken: source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => put);
    }

    [Fact]
    public async Task Names_are_the_bytes_that_were_given_or_are_refused()
    {
        await using IgorDht dht = await IgorDht.OpenAsync(Options);
        await dht.PutAsync((byte[])[(byte)'k', 0xff], s_green);
        Assert.Equal(GetOutcome.Absent, (await dht.GetAsync((byte[])[(byte)'k', 0xfe])).Outcome);
        Assert.Equal(GetOutcome.Absent, (await dht.GetAsync("k\ufffd")).Outcome);
        Assert.Equal(s_green, (await dht.GetAsync((byte[])[(byte)'k', 0xff])).Value.ToArray());
        await dht.DeleteAsync((byte[])[(byte)'k', 0xff]);
        Assert.Equal(GetOutcome.Deleted, (await dht.GetAsync((byte[])[(byte)'k', 0xff])).Outcome);

        await Assert.ThrowsAsync<ArgumentException>(() => dht.PutAsync("k\ud800", s_green));
        await Assert.ThrowsAsync<ArgumentException>(() => dht.GetAsync("k\udfff"));
        await Assert.ThrowsAsync<ArgumentException>(() => dht.DeleteAsync("k\ud800"));
        await Assert.ThrowsAsync<ArgumentException>(() => dht.PutAsync(string.Empty, s_green));
        await Assert.ThrowsAsync<ArgumentException>(() => dht.PutAsync(new byte[1025], s_green));
        await Assert.ThrowsAsync<ArgumentException>(
            () => IgorDht.OpenAsync(Options with { Network = "n\ud800" }));
        Assert.Throws<ArgumentException>(() => DhtKey.For("value\0x", default));
        Assert.Throws<ArgumentException>(() => DhtKey.For("t\ud800", default));
    }

    private IgorDhtOptions Options => new()
    {
        Data = _folder.Combine("data"),
        UseDaemon = false,
        Network = "test",
    };
}
