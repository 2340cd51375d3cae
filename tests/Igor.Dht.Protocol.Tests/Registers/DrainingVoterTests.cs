using System.Text;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Registers;

namespace Igor.Dht.Protocol.Tests.Registers;

/// <summary>Voters and coordinators of registers that go for good.</summary>
public class DrainingVoterTests
{
    [Theory]
    [InlineData(8)]
    [InlineData(6)]
    [InlineData(5)]
    public void Three_voters_of_five_go_right_after_one_another_and_registers_are_served(int nodes)
    {
        for (int seed = 1; seed <= 3; seed++)
        {
            DhtCluster cluster = Registers.Cluster(nodes, seed);
            cluster.PutRegister("founding", "x");
            cluster.AwaitVoters(5);
            WriteAll(cluster);
            for (int gone = 1; gone <= 3; gone++)
            {
                TimeSpan before = cluster.Now;
                Go(cluster, Coordinator(cluster));
                AssertAllIsServed(cluster);
                Assert.InRange(cluster.Now - before, TimeSpan.Zero, TimeSpan.FromSeconds(9));
                int left = nodes - gone;
                Assert.Equal(left >= 5 ? 5 : left >= 3 ? 3 : 1, cluster.ReadRegister("k0").Voters);
            }
        }
    }

    [Fact]
    public void Three_voters_become_one_and_the_last_of_them_moves_on()
    {
        DhtCluster cluster = Registers.Founded(3);
        WriteAll(cluster);
        Go(cluster, Coordinator(cluster));
        Assert.Equal(1, cluster.ReadRegister("k0").Voters);
        AssertAllIsServed(cluster);
        Go(cluster, cluster.Alive.Single(node => node.ViewOf("k0")!.Voters[0].Node == node.Id));
        AssertAllIsServed(cluster);
        Assert.Equal(DrainStage.Failed, DrainOf(cluster, cluster.Alive.Single()).Stage);
        AssertAllIsServed(cluster);
    }

    [Fact]
    public void Founder_that_votes_alone_is_followed_by_those_who_came_just_now()
    {
        var cluster = Registers.Cluster(4);
        cluster.PutRegister("k0", "v0");
        DhtClusterNode founder = cluster.Alive.Single(node => node.ViewOf("k0") is not null);
        Go(cluster, founder);
        Assert.Equal("v0", Text(cluster.ReadRegister("k0")));
        Assert.Equal(3, cluster.ReadRegister("k0").Voters);
    }

    [Fact]
    public void Voter_without_a_majority_does_not_go_and_says_why()
    {
        DhtCluster cluster = Registers.Founded(3);
        WriteAll(cluster);
        cluster.Add();
        cluster.Add();
        cluster.Run(1);
        DhtClusterNode[] voters = [.. cluster.Alive.Where(node => node.ViewOf("k0") is not null)];
        cluster.Kill(voters[1]);
        cluster.Kill(voters[2]);
        cluster.Run(1);
        cluster.Drain(voters[0], seconds: 5);
        cluster.RunUntil(() => voters[0].Dht.Draining.Stage == DrainStage.Failed, 6);
        Assert.True(voters[0].Dht.Draining.Cells > 0);
        cluster.Revive(voters[1]);
        cluster.Run(10);
        AssertAllIsServed(cluster);
    }

    private static DrainProgress DrainOf(DhtCluster cluster, DhtClusterNode node)
    {
        cluster.Drain(node);
        return node.Dht.Draining;
    }

    private static DhtClusterNode Coordinator(DhtCluster cluster) =>
        cluster.RootOf(RegisterCells.AnchorOf(RegisterCells.Of(DhtKey.ForRegister("k0"))));

    private static void Go(DhtCluster cluster, DhtClusterNode going)
    {
        cluster.Drain(going);
        cluster.RunUntil(() => !going.IsAlive || going.Dht.Draining.Stage == DrainStage.Failed, 31);
        Assert.False(going.IsAlive, going.Dht.Draining.Obstacle);
    }

    private static void WriteAll(DhtCluster cluster)
    {
        for (int at = 0; at < 20; at++)
        {
            cluster.PutRegister("k" + at, "v" + at);
        }
    }

    private static void AssertAllIsServed(DhtCluster cluster)
    {
        for (int at = 0; at < 20; at++)
        {
            OperationResult read = cluster.Call(Registers.Read("k" + at), seconds: 5);
            Assert.True(read.Failure is null, $"k{at}: {read.Failure?.Message} (seed {cluster.Seed})");
            Assert.Equal("v" + at, Text(read.Register!));
        }
    }

    private static string Text(RegisterResult result) => Encoding.UTF8.GetString(result.Value.Span);
}
