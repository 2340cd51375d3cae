using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>Operations of which nobody wants to hear any more.</summary>
public sealed class AbandonTests
{
    [Fact]
    public void Abandoned_operation_is_not_completed_and_gives_its_place_free()
    {
        var cluster = new DhtCluster(1) { Options = DhtNodeOptions.Default with { OperationsMax = 1 } };
        DhtClusterNode node = cluster.Add();
        DhtClusterNode other = cluster.Add();
        cluster.RunUntil(
            () => cluster.Alive.All(n => n.Dht.Status is { IsSettled: true, IsReplicated: true }));
        Key key = Enumerable.Range(0, 100)
            .Select(i => Key.HashOf($"{i}"))
            .First(k => cluster.RootOf(k) == other);
        var get = new DhtGet
        {
            Key = key,
            Type = ValueRecordType.TypeName,
            Timeout = TimeSpan.FromMinutes(10),
        };

        cluster.Cut(node.Id, other.Id); // so that it would try for ten minutes
        PendingOperation abandoned = node.Get(get);
        cluster.Run(20);
        Assert.Null(abandoned.Result);
        node.Abandon(abandoned);
        cluster.Heal();
        cluster.Run(60);
        Assert.Null(abandoned.Result);

        PendingOperation next = node.Get(get);
        cluster.RunUntil(() => next.Result is not null);
        Assert.Equal(GetOutcome.Absent, next.Result!.Got!.Outcome);
    }
}
