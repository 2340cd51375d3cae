using Igor.Kbr;
using Igor.Node.Memory;

namespace Igor.Node.Tests;

public sealed class ByteBudgetTests
{
    private const int MiB = 1024 * 1024;
    private const int Record = MiB + (64 * 1024);

    private readonly ByteBudget _budget = new(64 * MiB);

    [Fact]
    public void Holder_alone_gets_a_part_and_not_all()
    {
        ByteAccount member = Peer(1, "10.0.0.1:1", HolderKind.Member);
        ByteAccount stranger = Peer(2, "10.0.0.2:1");
        ByteAccount application = _budget.Open(HolderKind.Application);
        Assert.Equal(30, Fill(member));
        Assert.Equal(5, Fill(stranger));
        Assert.InRange(Fill(application), 10, 16);
        Assert.True(_budget.Total <= 64 * MiB);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Strangers_together_leave_three_quarters_to_others(bool fromOneAddress)
    {
        for (int i = 0; i < 1000; i++)
        {
            Fill(Peer(i, fromOneAddress ? $"10.0.0.1:{i + 1}" : $"10.0.{i / 250}.{i % 250}:1"));
        }

        long held = _budget.Held(HolderKind.Stranger);
        Assert.InRange(held, 4 * MiB, (fromOneAddress ? 8 : 16) * MiB);
        Assert.True(_budget.Refused(HolderKind.Stranger) >= 990);
        Assert.True(Peer(5000, "10.1.0.1:1", HolderKind.Member).TryTake(20 * MiB));
        Assert.True(_budget.Open(HolderKind.Application).TryTake(12 * MiB));
    }

    [Fact]
    public void Strangers_behind_one_address_leave_room_to_strangers_elsewhere()
    {
        for (int i = 0; i < 1000; i++)
        {
            Fill(Peer(i, $"10.0.0.1:{i + 1}"));
        }

        Assert.True(Peer(5000, "10.0.0.2:1").TryTake(Record));
    }

    [Fact]
    public void Addresses_of_one_ipv6_network_count_as_one()
    {
        for (int i = 0; i < 1000; i++)
        {
            Fill(Peer(i, $"[2001:db8:0:1::{i + 1:x}]:1"));
        }

        Assert.True(_budget.Held(HolderKind.Stranger) <= 8 * MiB);
        Assert.True(Peer(5000, "[2001:db8:0:2::1]:1").TryTake(Record));
    }

    [Fact]
    public void Small_answers_find_room_where_large_ones_do_not()
    {
        ByteAccount stranger = Peer(1, "10.0.0.1:1");
        Fill(stranger);
        Assert.False(stranger.TryTake(Record));
        Assert.True(stranger.TryTake(ByteBudget.SmallBytes));
        int more = 1;
        while (stranger.TryTake(ByteBudget.SmallBytes))
        {
            more++;
        }

        Assert.InRange(more, 1, 200);
    }

    [Fact]
    public void Everybody_has_a_floor_when_all_is_spent()
    {
        ByteAccount greedy = Peer(1, "10.0.0.1:1", HolderKind.Member);
        greedy.Take(70 * MiB);
        ByteAccount stranger = Peer(2, "10.0.0.2:1");
        Assert.True(stranger.TryTake(ByteBudget.FloorBytes));
        Assert.False(stranger.TryTake(1));
    }

    [Fact]
    public void What_waits_to_be_sent_to_members_does_not_keep_the_node_from_reading()
    {
        ByteAccount[] members =
            [.. Enumerable.Range(0, 100).Select(i => Peer(i, $"10.0.0.{i + 1}:1", HolderKind.Member))];
        Array.ForEach(members, member => Fill(member));
        Assert.All(members.Take(30), member => Assert.True(member.TryTakeIncoming(MiB)));
        int more = members.Count(member => member.TryTakeIncoming(MiB));
        Assert.Equal(2, more);
        Array.ForEach(members[..30], member => member.ReturnIncoming(MiB));
        Assert.True(members[^1].TryTakeIncoming(MiB));
    }

    [Fact]
    public void Bytes_that_are_asked_for_again_and_again_are_refused_once()
    {
        ByteAccount stranger = Peer(1, "10.0.0.1:1");
        Fill(stranger);
        long before = _budget.Refused(HolderKind.Stranger);
        Assert.False(stranger.TryTakeIncoming(MiB));
        Assert.False(stranger.TryTakeIncoming(MiB, isRetry: true));
        Assert.Equal(1, _budget.Refused(HolderKind.Stranger) - before);
    }

    [Fact]
    public void Links_of_one_peer_share_an_account_with_what_is_held_on_its_behalf()
    {
        ByteAccount first = Peer(1, "10.0.0.1:1");
        ByteAccount second = Peer(1, "10.0.0.1:2");
        Assert.Same(first, second);
        Assert.Equal(5, Fill(first));
        Assert.False(_budget.TryTake(Id(1), Record));
        Assert.True(_budget.TryTake(Id(2), Record));
        first.Return(4 * Record);
        Assert.True(_budget.TryTake(Id(1), Record));
    }

    [Fact]
    public void Peer_that_becomes_a_member_is_no_stranger_any_more()
    {
        ByteAccount peer = Peer(1, "10.0.0.1:1");
        Fill(peer);
        peer.SetKind(HolderKind.Member);
        Assert.Equal(0, _budget.Held(HolderKind.Stranger));
        Assert.Equal(5 * Record, _budget.Held(HolderKind.Member));
        Assert.True(peer.TryTake(Record));
    }

    [Fact]
    public void Account_is_forgotten_when_nobody_uses_it_and_nothing_is_held()
    {
        ByteAccount peer = Peer(1, "10.0.0.1:1");
        Fill(peer);
        _budget.Detach(peer);
        Assert.Same(peer, Peer(1, "10.0.0.1:1"));
        _budget.Detach(peer);
        peer.Return(5 * Record);
        Assert.NotSame(peer, Peer(1, "10.0.0.1:1"));
        Assert.Equal(0, _budget.Total);
    }

    private static Key Id(int number) => new(0, 0, 0, (ulong)number);

    private static int Fill(ByteAccount account)
    {
        int count = 0;
        while (account.TryTake(Record))
        {
            count++;
        }

        return count;
    }

    private ByteAccount Peer(int number, string address, HolderKind kind = HolderKind.Stranger)
    {
        ByteAccount account = _budget.Attach(Id(number), address);
        if (kind != HolderKind.Stranger)
        {
            account.SetKind(kind);
        }

        return account;
    }
}
