using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Tests;

/// <summary>What a node holds for those who ask, and what it answers when that is too much.</summary>
public class HeldBytesTests
{
    private static readonly Key s_tea = DhtKey.ForValue("tea");
    private static readonly string s_value = new('x', 100_000);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Get_for_which_there_is_no_memory_is_busy_before_anything_is_read(bool isAlone)
    {
        DhtCluster cluster = DhtCluster.Of(isAlone ? 1 : 5);
        cluster.Put("tea", s_value);
        cluster.Run(1);
        DhtClusterNode root = cluster.RootOf(s_tea);
        int reads = root.Reads;
        root.HeldBytesMax = 50_000;
        GetConsistency consistency = isAlone ? GetConsistency.Root : GetConsistency.Quorum;
        Assert.Equal(MessageKind.Busy, Ask(cluster, root, Get(consistency)));
        Assert.Equal(reads, root.Reads);
        root.HeldBytesMax = 200_000;
        Assert.Equal(MessageKind.Got, Ask(cluster, root, Get(consistency)));
        Assert.Equal(0, root.HeldBytes);
    }

    [Fact]
    public void Many_gets_at_once_hold_no_more_than_there_is_for_them()
    {
        DhtCluster cluster = DhtCluster.Of(1);
        cluster.Put("tea", s_value);
        DhtClusterNode root = cluster.RootOf(s_tea);
        root.HeldBytesMax = 1_000_000;
        var answers = new List<MessageKind>();
        for (int i = 0; i < 200; i++)
        {
            root.Deliver(s_tea, Key.Max, Get(GetConsistency.Root), reply => answers.Add(KindOf(reply)));
        }

        Assert.InRange(root.HeldBytes, 800_000, 1_000_000);
        cluster.Run(1);
        Assert.Equal(200, answers.Count);
        Assert.InRange(answers.Count(a => a == MessageKind.Got), 8, 10);
        Assert.Equal(0, root.HeldBytes);
    }

    [Fact]
    public void Put_for_which_there_is_no_memory_is_busy_and_not_stored()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode root = cluster.RootOf(s_tea);
        root.HeldBytesMax = 50_000;
        OperationResult refused =
            cluster.Put("tea", s_value, with: p => p with { Timeout = TimeSpan.FromSeconds(1) });
        Assert.Null(refused.Receipt);
        Assert.Contains("ask again", refused.Failure!.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(s_tea, root.Disk.Keys);
        root.HeldBytesMax = 200_000;
        Assert.NotNull(cluster.Put("tea", s_value).Receipt);
        cluster.Run(10);
        Assert.Equal(0, root.HeldBytes);
    }

    [Fact]
    public void Get_of_a_record_in_memory_is_answered_in_the_same_turn_and_holds_nothing_after_it()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode root = cluster.RootOf(s_tea);
        Assert.NotNull(cluster.Put("tea", s_value).Receipt);
        cluster.Run(3);
        root.ReadsAtOnce = true;
        byte[]? answer = null;
        Key asker = cluster.Alive.First(n => n != root).Id;
        root.Deliver(root.Id, asker, Get(GetConsistency.Root), a => answer = a);

        Assert.True(Decoding.TryRead(answer, MessageKind.Got, GotMessage.Read, out GotMessage got));
        Assert.Equal(GetOutcome.Found, got.Outcome);
        Assert.Equal(0, root.HeldBytes);
    }

    [Fact]
    public void Replica_without_memory_is_none_until_it_has_some_again()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode replica = cluster.Alive.First(n => n != cluster.RootOf(s_tea));
        replica.HeldBytesMax = 50_000;
        Assert.NotNull(cluster.Put("tea", s_value).Receipt);
        cluster.Run(1);
        Assert.DoesNotContain(s_tea, replica.Disk.Keys);
        replica.HeldBytesMax = int.MaxValue;
        cluster.RunUntil(() => replica.Disk.ContainsKey(s_tea), 120);
        cluster.Run(10);
        Assert.All(cluster.Alive, n => Assert.Equal(0, n.HeldBytes));
    }

    private static byte[] Get(GetConsistency consistency)
    {
        var buffer = new PayloadBuffer();
        new GetMessage(s_tea, consistency, TimeSpan.FromSeconds(5)).Write(buffer);
        return buffer.Written.ToArray();
    }

    private static MessageKind KindOf(byte[] reply)
    {
        var reader = new MessagePackReader(reply);
        return CommonMessages.ReadKind(ref reader);
    }

    private static MessageKind Ask(DhtCluster cluster, DhtClusterNode node, byte[] message)
    {
        MessageKind? answer = null;
        node.Deliver(s_tea, Key.Max, message, reply => answer = KindOf(reply));
        cluster.Run(5);
        return answer ?? throw new InvalidOperationException("There was no answer.");
    }
}
