using System.Text;
using Igor.Dht.Protocol;
using Igor.Kbr;
using Igor.Node;
using Igor.Testing;

namespace Igor.Dht.Tests;

/// <summary>Members that reach none of those they were given or know, and what troubles a DHT.</summary>
public sealed class AloneTests : IDisposable
{
    private static readonly PutOptions s_impatient = new() { Timeout = TimeSpan.FromSeconds(1) };
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Member_that_reaches_nobody_takes_no_writes_until_it_may_found()
    {
        IgorDhtOptions options = Options("a") with { Bootstrap = ["127.0.0.1:1"] };
        await using (IgorDht alone = await IgorDht.OpenAsync(options))
        {
            DhtStatus status = await UntilAsync(alone, s => s.Ring.State == RingState.Alone);
            Assert.Equal("connection refused at 127.0.0.1:1", status.Ring.Reason);
            Assert.Equal((false, false), (status.IsJoined, status.IsHealthy));
            DhtException refusal = await Assert.ThrowsAsync<DhtException>(
                () => alone.PutAsync("k", "v"u8.ToArray(), s_impatient));
            Assert.Equal(DhtError.Unreachable, refusal.Error);
            Assert.Contains("--found", refusal.Message, StringComparison.Ordinal);
            Assert.Contains("127.0.0.1:1", refusal.Message, StringComparison.Ordinal);
            GetResult unknown = await alone.GetAsync("k", new GetOptions { Timeout = s_impatient.Timeout });
            Assert.Equal(GetOutcome.Unreachable, unknown.Outcome);
            Assert.Contains("127.0.0.1:1", unknown.Barrier, StringComparison.Ordinal);
        }

        await using (IgorDht founder = await IgorDht.OpenAsync(options with { Found = true }))
        {
            await UntilAsync(founder, s => s.Ring.State == RingState.Founded);
            await founder.PutAsync("k", "v"u8.ToArray());
        }

        await using IgorDht again = await IgorDht.OpenAsync(options);
        await UntilAsync(again, s => s.Ring.State == RingState.Alone);
        GetResult held = await again.GetAsync("k");
        Assert.Equal(("v", true), (Encoding.UTF8.GetString(held.Value.Span), held.IsDegraded));
        Assert.Contains("127.0.0.1:1", held.Barrier, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Member_whose_others_died_is_alone_also_after_a_restart_and_joins_when_one_is_back()
    {
        await using LoopbackRing ring = await LoopbackRing.OfAsync(2);
        IgorDhtOptions second = ring.Options(1);
        var onBoth = new PutOptions { Replicas = 2, Acks = AckLevel.All };
        await ring.Nodes[0]!.PutAsync("k", "v"u8.ToArray(), onBoth);
        await RemembersAsync(second, ring.Nodes[0]!.NodeId);
        await ring.KillAsync(0, 1);

        // Without bootstrap: it knows the other from before.
        await using IgorDht again = await IgorDht.OpenAsync(second);
        await UntilAsync(again, s => s.Ring.State == RingState.Alone);
        Assert.True((await again.GetAsync("k")).IsDegraded);
        await Assert.ThrowsAsync<DhtException>(() => again.PutAsync("k", "w"u8.ToArray(), s_impatient));
    }

    [Fact]
    public async Task Member_whose_other_left_in_order_goes_on_also_after_a_restart()
    {
        await using LoopbackRing ring = await LoopbackRing.OfAsync(2);
        IgorDhtOptions first = ring.Options(0);
        Key left = ring.Nodes[1]!.NodeId;
        await ring.Nodes[1]!.DisposeAsync();
        ring.Nodes[1] = null;
        await UntilAsync(ring.Nodes[0]!, s => s.Ring.State == RingState.Founded);
        await ring.Nodes[0]!.PutAsync("k", "v"u8.ToArray());
        await RemembersAsync(first, left, isRemembered: false);
        await ring.KillAsync(0);
        await using IgorDht again = await IgorDht.OpenAsync(first);
        DhtStatus status = await UntilAsync(again, s => s.Ring.State == RingState.Founded);
        Assert.Empty(status.Troubles);
        await again.PutAsync("k", "w"u8.ToArray());
    }

    [Fact]
    public async Task Most_members_dead_is_a_trouble()
    {
        await using LoopbackRing ring = await LoopbackRing.OfAsync(5);
        Assert.True((await ring.Nodes[0]!.StatusAsync()).IsHealthy);
        await ring.KillAsync(2, 3, 4);
        DhtStatus status = await UntilAsync(ring.Nodes[0]!, s => s.Missing.Count == 3);
        Trouble trouble = Assert.Single(status.Troubles);
        Assert.Equal(TroubleKinds.NoMajority, trouble.Kind);
        Assert.Equal(trouble, status.Barrier);
    }

    [Fact]
    public async Task Copy_of_a_data_folder_is_superseded_and_the_original_is_told()
    {
        await using LoopbackRing ring = await LoopbackRing.OfAsync(2);
        IgorDhtOptions original = ring.Options(1);
        string copy = _folder.Combine("copy");
        await OlderAsync(ring.Nodes[1]!, TimeSpan.FromSeconds(1));
        Directory.CreateDirectory(copy);
        File.Copy(Path.Combine(original.Data!, "identity.pem"), Path.Combine(copy, "identity.pem"));
        IgorDhtOptions options = original with
        {
            Data = copy,
            Socket = _folder.Combine("copy.sock"),
            Bootstrap = [(await ring.Nodes[0]!.StatusAsync()).Addresses[0]],
        };
        await using (IgorDht later = await IgorDht.OpenAsync(options))
        {
            string cause = await later.Superseded.WaitAsync(TimeSpan.FromSeconds(30));
            Assert.Contains(
                (await ring.Nodes[1]!.StatusAsync()).Addresses[0], cause, StringComparison.Ordinal);
        }

        DhtStatus told = await UntilAsync(ring.Nodes[1]!, s => !s.IsHealthy);
        Assert.Equal(TroubleKinds.IdentityClash, Assert.Single(told.Troubles).Kind);
        Assert.False(ring.Nodes[1]!.Superseded.IsCompleted);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<DhtStatus> UntilAsync(IgorDht dht, Func<DhtStatus, bool> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            DhtStatus status = await dht.StatusAsync(patience.Token);
            if (condition(status))
            {
                return status;
            }

            await Task.Delay(10, patience.Token);
        }
    }

    /// <summary>Waits until a member has written down that it knows another one, or no more.</summary>
    private static async Task RemembersAsync(IgorDhtOptions member, Key other, bool isRemembered = true)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        string path = Path.Combine(member.Data!, "peers");
        while (!File.Exists(path)
            || (await File.ReadAllTextAsync(path, patience.Token)).Contains(
                other.ToString(), StringComparison.Ordinal) != isRemembered)
        {
            await Task.Delay(10, patience.Token);
        }
    }

    /// <summary>Waits until a member has run for so long that a copy is certainly the later one.</summary>
    private static async Task OlderAsync(IgorDht member, TimeSpan age)
    {
        while (((IgorNode)member.Connection.Host).Uptime < age)
        {
            await Task.Delay(10);
        }
    }

    private IgorDhtOptions Options(string name) => new()
    {
        Data = _folder.Combine(name),
        Socket = _folder.Combine(name + ".sock"),
        UseDaemon = false,
        Listen = "127.0.0.1:0",
        Network = "test",
        Role = ServiceRole.Member,
    };
}
