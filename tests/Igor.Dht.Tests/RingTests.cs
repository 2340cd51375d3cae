using System.Text;
using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Records;

namespace Igor.Dht.Tests;

public class RingTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(8)]
    public async Task Put_get_and_delete_work_from_every_member(int count)
    {
        await using LoopbackRing ring = await LoopbackRing.OfAsync(count);
        IgorDht first = ring.Alive.First();
        PutReceipt receipt = await first.PutAsync("tea", "green"u8.ToArray());
        Assert.Equal(DhtKey.ForValue("tea"), receipt.Key);
        Assert.True(receipt.Holders.Count >= (Math.Min(5, count) / 2) + 1);
        foreach (IgorDht node in ring.Alive)
        {
            GetResult got = await node.GetAsync("tea");
            Assert.Equal((GetOutcome.Found, "green"), (got.Outcome, Encoding.UTF8.GetString(got.Value.Span)));
            Assert.Equal(receipt.Version, got.Version);
        }

        await ring.UntilAsync(s => s.IsSettled, "all are settled");
        Assert.Equal(GetOutcome.Absent, (await ring.Alive.Last().GetAsync("milk")).Outcome);
        await ring.Alive.Last().DeleteAsync("tea");
        Assert.Equal(GetOutcome.Deleted, (await first.GetAsync("tea")).Outcome);
    }

    [Fact]
    public async Task Half_die_return_and_the_others_die_and_every_record_stays_readable()
    {
        await using LoopbackRing ring = await LoopbackRing.OfAsync(8);
        await PutManyAsync(ring, 200);
        await ring.KillAsync(0, 2, 4, 6);
        await GetManyAsync(ring, 200);

        await ring.StartAsync(0, 2, 4, 6);
        await ring.UntilAsync(s => s.IsSettled, "all are settled");
        await ring.KillAsync(1, 3, 5, 7);
        await GetManyAsync(ring, 200);
    }

    [Fact]
    public async Task All_restart_from_their_disks()
    {
        await using LoopbackRing ring = await LoopbackRing.OfAsync(3);
        await PutManyAsync(ring, 100);
        await ring.KillAsync(0, 1, 2);
        await ring.StartAsync(0, 1, 2);
        await GetManyAsync(ring, 100);
    }

    [Fact]
    public async Task Client_without_a_folder_reads_and_writes_through_the_ring()
    {
        await using LoopbackRing ring = await LoopbackRing.OfAsync(3);
        await using IgorDht client = await IgorDht.OpenAsync(ring.Client(through: 1));
        PutReceipt receipt = await client.PutAsync("tea", "green"u8.ToArray());
        Assert.Equal("green"u8.ToArray(), (await client.GetAsync("tea")).Value.ToArray());
        DhtStatus status = await client.StatusAsync();
        Assert.Equal(DhtAttachment.EmbeddedClient, status.Attachment);
        Assert.Null(status.Store);
        Assert.DoesNotContain(client.NodeId, receipt.Holders);
        Assert.All(ring.Alive, n => Assert.NotEqual(client.NodeId, n.NodeId));
    }

    [Fact]
    public async Task Immutable_records_are_found_by_the_hash_of_their_content()
    {
        await using LoopbackRing ring = await LoopbackRing.OfAsync(2);
        byte[] content = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * 7))];
        PutReceipt receipt = await ring.Nodes[0]!.PutImmutableAsync(content);
        GetResult got = await ring.Nodes[1]!.GetImmutableAsync(receipt.Key);
        Assert.Equal(DhtKey.ForImmutable(content), receipt.Key);
        Assert.True(got.Value.Span.SequenceEqual(content));
    }

    [Fact]
    public async Task Largest_value_goes_through_and_a_larger_one_is_refused()
    {
        await using LoopbackRing ring = await LoopbackRing.OfAsync(3);
        byte[] largest = new byte[1024 * 1024];
        Random.Shared.NextBytes(largest);
        await ring.Nodes[0]!.PutAsync("largest", largest);
        Assert.True((await ring.Nodes[2]!.GetAsync("largest")).Value.Span.SequenceEqual(largest));
        DhtException refused = await Assert.ThrowsAsync<DhtException>(
            () => ring.Nodes[0]!.PutAsync("larger", new byte[(1024 * 1024) + 1]));
        Assert.Equal(DhtError.Refused, refused.Error);
    }

    private static async Task PutManyAsync(LoopbackRing ring, int count)
    {
        IgorDht[] nodes = [.. ring.Alive];
        await Parallel.ForAsync(0, count, async (at, cancellation) =>
            await nodes[at % nodes.Length].PutAsync(
                $"name {at}", Encoding.UTF8.GetBytes($"value {at}"), cancellationToken: cancellation));
    }

    private static async Task GetManyAsync(LoopbackRing ring, int count)
    {
        IgorDht[] nodes = [.. ring.Alive];
        await Parallel.ForAsync(0, count, async (at, cancellation) =>
        {
            GetResult got = await nodes[at % nodes.Length]
                .GetAsync($"name {at}", cancellationToken: cancellation);
            Assert.Equal(
                (GetOutcome.Found, $"value {at}"), (got.Outcome, Encoding.UTF8.GetString(got.Value.Span)));
        });
    }
}
