using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>
/// A put that a root called too late, while a copy of it was done by another, is not done again under the
/// name that its client gave it then.
/// </summary>
public class PutAnewTests
{
    private const ulong Writer = 77;
    private static readonly Key s_tea = DhtKey.ForValue("tea");

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    [InlineData(20, false)]
    public void Put_that_was_done_under_a_former_name_does_not_replace_what_was_written_since(
        int writes, bool isRootNew)
    {
        DhtCluster cluster = DhtCluster.Of(8);
        RecordVersion first = VersionNow(cluster);
        Assert.Equal(MessageKind.PutDone, Ask(cluster, first, []).Kind);
        for (int at = 1; at <= writes; at++)
        {
            Assert.NotNull(cluster.Put("tea", $"{at}").Receipt);
        }

        if (isRootNew)
        {
            cluster.Kill(cluster.RootOf(s_tea));
            cluster.Run(2);
        }

        Assert.Equal((MessageKind.PutDone, first), Ask(cluster, VersionNow(cluster), [first]));
        Assert.Equal($"{writes}", cluster.Value("tea"));
    }

    /// <summary>A second root has a newer version that nobody else has.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public void Second_root_finds_out_what_the_first_one_did(int seed, bool isAnew)
    {
        DhtCluster cluster = DhtCluster.Of(8, seed);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        cluster.Sever(near[0].Id, near[1].Id);
        cluster.Run(1);
        RecordVersion first = VersionNow(cluster);
        Assert.Equal(MessageKind.PutDone, Ask(cluster, first, []).Kind);
        cluster.Run(0.1);
        Array.ForEach(near[2..], node => cluster.Cut(near[1].Id, node.Id));
        Func<DhtPut, DhtPut> anywhere = put => put with { Acks = AckLevel.One, CopiesMin = 1 };
        Assert.True(cluster.Put("tea", "other side", near[1], anywhere).Receipt!.IsDegraded);
        cluster.Heal();
        (MessageKind Kind, RecordVersion Version) answer = isAnew
            ? Ask(cluster, VersionNow(cluster), [first], near[1])
            : Ask(cluster, first, [], near[1]);
        Assert.Equal((MessageKind.PutDone, first), answer);
        cluster.Unsever();
        cluster.RunUntil(() => cluster.Alive.All(node => cluster.Value("tea", node) == "other side"));
    }

    [Fact]
    public void Put_that_is_there_under_a_former_name_keeps_it()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        RecordVersion first = VersionNow(cluster);
        Assert.Equal(MessageKind.PutDone, Ask(cluster, first, []).Kind);
        cluster.Run(1);
        RecordVersion second = VersionNow(cluster);
        cluster.Run(1);
        Assert.Equal((MessageKind.PutDone, first), Ask(cluster, VersionNow(cluster), [first, second]));
        Assert.Equal(5, cluster.CopiesOf(s_tea, first));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Put_that_was_never_done_is_done_under_its_new_name_and_known_by_both(bool isRootNew)
    {
        DhtCluster cluster = DhtCluster.Of(8);
        RecordVersion first = VersionNow(cluster);
        cluster.Run(1);
        Assert.NotNull(cluster.Put("tea", "1").Receipt);
        cluster.Run(1);
        RecordVersion second = VersionNow(cluster);
        Assert.Equal((MessageKind.PutDone, second), Ask(cluster, second, [first]));
        Assert.Equal((MessageKind.PutDone, second), Ask(cluster, second, [first])); // an answer was lost
        Assert.Equal("mine", cluster.Value("tea"));
        if (isRootNew)
        {
            cluster.Kill(cluster.RootOf(s_tea));
            cluster.Run(2);
        }

        Assert.Equal(MessageKind.PutDone, Ask(cluster, first, []).Kind); // a copy that comes late
        Assert.Equal(second, cluster.Get("tea").Version);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Root_that_was_away_does_not_call_done_what_is_older_than_was_acknowledged(int seed)
    {
        DhtCluster cluster = DhtCluster.Of(8, seed);
        DhtClusterNode root = cluster.RootOf(s_tea);
        cluster.Kill(root);
        cluster.Run(2);
        PutReceipt receipt = cluster.Put("tea", "1").Receipt!;
        Assert.False(receipt.IsDegraded);
        RecordVersion older = new(receipt.Version.Clock - 1, Writer);
        cluster.Revive(root);
        cluster.RunUntil(() => root.Dht.Status.Neighbours.Count > 0);
        Assert.Equal(MessageKind.Conflict, Ask(cluster, older, []).Kind);
        Assert.Equal("1", cluster.Value("tea"));
    }

    [Fact]
    public void Name_of_another_writer_is_no_name_of_a_put()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        RecordVersion other = cluster.Put("tea", "1").Receipt!.Version;
        cluster.Run(1);
        RecordVersion version = VersionNow(cluster);
        Assert.Equal((MessageKind.PutDone, version), Ask(cluster, version, [other]));
        Assert.Equal("mine", cluster.Value("tea"));
    }

    private static RecordVersion VersionNow(DhtCluster cluster) =>
        new((ulong)cluster.Time.UnixMs << HybridClock.CounterBits, Writer);

    private static (MessageKind Kind, RecordVersion Version) Ask(
        DhtCluster cluster, RecordVersion version, RecordVersion[] formerNames, DhtClusterNode? root = null)
    {
        Record record = RecordCodec.Encode(
            new RecordHeader { Key = s_tea, Type = ValueRecordType.TypeName, Version = version }, "mine"u8);
        var buffer = new PayloadBuffer();
        new PutMessage(AckLevel.Quorum, TimeSpan.FromSeconds(2), record.Encoded, 0, formerNames)
            .Write(buffer);
        byte[]? answer = null;
        root ??= cluster.RootOf(s_tea);
        root.Deliver(s_tea, Key.HashOf("a client"), buffer.Written.ToArray(), reply => answer = reply);
        cluster.RunUntil(() => answer is not null);
        Assert.True(Decoding.TryReadKind(answer, out MessageKind kind, out _));
        return Decoding.TryRead(answer, MessageKind.PutDone, PutDoneMessage.Read, out PutDoneMessage done)
            ? (kind, done.Version)
            : (kind, RecordVersion.None);
    }
}
