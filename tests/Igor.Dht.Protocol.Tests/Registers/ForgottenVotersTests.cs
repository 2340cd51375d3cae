using System.Text;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Views;

namespace Igor.Dht.Protocol.Tests.Registers;

/// <summary>Voters that are dead for good, more of them than a view can lose.</summary>
public class ForgottenVotersTests
{
    [Theory]
    [InlineData(3, 2)]
    [InlineData(5, 3)]
    [InlineData(5, 4)]
    public void Survivors_go_on_when_a_dead_majority_is_forgotten(int voters, int dead)
    {
        for (int seed = 1; seed <= 3; seed++)
        {
            DhtCluster cluster = Registers.Founded(voters, seed);
            WriteAll(cluster);
            DhtClusterNode[] gone = KillMost(cluster, dead);
            Assert.Equal(DhtError.Unreachable, cluster.Call(Registers.Read("k0"), seconds: 3).Failure!.Error);
            for (int at = 0; at < gone.Length; at++)
            {
                ForgetResult survey = cluster.Forget(gone[at].Id, isMeant: false);
                Assert.Equal((true, 256, 256), (survey.IsMissed, survey.Cells, survey.CellsInDoubt));
                Assert.Equal(
                    DhtError.Unreachable, cluster.Call(Registers.Read("k0"), seconds: 1).Failure!.Error);
                ForgetResult told = cluster.Forget(gone[at].Id);
                Assert.Equal(told.Asked, told.Told);
            }

            AssertAllIs(cluster, "v");
            int left = voters - dead;
            cluster.PutRegister("k0", "after");
            Assert.Equal("after", Text(cluster.ReadRegister("k0")));
            Assert.Equal(left, cluster.ReadRegister("k0").Voters);
            Assert.False(cluster.ReadRegister("k0").IsContested);
        }
    }

    [Theory]
    [InlineData(3, 2)]
    [InlineData(5, 3)]
    public void Forgotten_majority_that_returns_votes_with_nothing_that_it_promised(int voters, int dead)
    {
        for (int seed = 1; seed <= 3; seed++)
        {
            DhtCluster cluster = Registers.Founded(voters, seed);
            WriteAll(cluster);
            DhtClusterNode[] gone = KillMost(cluster, dead);
            Array.ForEach(gone, node => cluster.Forget(node.Id));
            cluster.Run(5); // who coordinated ends first, and what it is asked then has an unknown end
            for (int at = 0; at < 20; at++)
            {
                cluster.PutRegister("k" + at, "w" + at);
            }

            Lineage lineage = cluster.Alive.First().ViewOf("k0")!.Lineage;
            Array.ForEach(gone, cluster.Revive);
            for (int second = 0; second < 10; second++)
            {
                cluster.Run(0.5);
                foreach (DhtClusterNode via in cluster.Alive)
                {
                    OperationResult read = cluster.Call(Registers.Read("k0"), via, seconds: 5);
                    Assert.Equal("w0", read.Register is { } got ? Text(got) : read.Failure!.Message);
                }
            }

            AssertAllIs(cluster, "w");
            cluster.AwaitVoters(voters);
            AssertAllIs(cluster, "w");
            Assert.All(cluster.Alive, node => Assert.Equal(lineage, node.ViewOf("k0")!.Lineage));
            Assert.False(cluster.ReadRegister("k0").IsContested);
        }
    }

    [Fact]
    public void Coordinator_that_dies_while_survivors_begin_anew_leaves_one_lineage()
    {
        for (int seed = 1; seed <= 10; seed++)
        {
            DhtCluster cluster = Registers.Founded(5, seed);
            WriteAll(cluster);
            DhtClusterNode[] gone = KillMost(cluster, 3);
            Array.ForEach(gone, node => cluster.Forget(node.Id));
            cluster.Run(0.001 * seed * seed);
            DhtClusterNode[] left = [.. cluster.Alive];
            cluster.Kill(left[seed % 2]);
            cluster.Run(2);
            cluster.Revive(left[seed % 2]);
            Array.ForEach(gone, node => cluster.Forget(node.Id)); // who was restarted does not know
            AssertAllIs(cluster, "v", within: 30);
            Assert.Single(cluster.Alive.Select(node => node.ViewOf("k0")!.Lineage).Distinct());
        }
    }

    [Fact]
    public void Sides_that_forget_one_another_keep_both_histories_and_say_so()
    {
        DhtCluster cluster = Registers.Founded(5);
        WriteAll(cluster);
        DhtClusterNode[] all = [.. cluster.Alive];
        DhtClusterNode[] few = all[..2];
        DhtClusterNode[] most = all[2..];
        foreach (DhtClusterNode one in few)
        {
            Array.ForEach(most, other => cluster.Sever(one.Id, other.Id));
        }

        cluster.Run(15);
        Array.ForEach(most, other => Assert.True(cluster.Forget(other.Id, via: few[0]).Told > 0));
        cluster.Run(5);
        Write(cluster, few[0], "few");

        // Most go on without being told; then they forget too, and begin a lineage, for one of them is dead.
        Write(cluster, most[0], "most");
        cluster.Kill(most[2]);
        cluster.Kill(most[1]);
        cluster.Run(15);
        foreach (DhtClusterNode other in (DhtClusterNode[])[.. few, most[1], most[2]])
        {
            cluster.Forget(other.Id, via: most[0]);
        }

        cluster.Run(5);
        Write(cluster, most[0], "one");
        Assert.NotEqual(few[0].ViewOf("k0")!.Lineage, most[0].ViewOf("k0")!.Lineage);
        cluster.Unsever();
        cluster.Run(10);
        string[] read =
        [
            .. cluster.Alive.Select(node => cluster.Call(Registers.Read("k0"), node, seconds: 5).Register)
                .Select(got => $"{(got is null ? "none" : Text(got))} {got?.IsContested}"),
        ];
        Assert.All(read, text => Assert.EndsWith("True", text, StringComparison.Ordinal));
        Assert.All(read, text => Assert.Contains(text.Split(' ')[0], (string[])["few", "one"]));
    }

    [Fact]
    public void Majority_that_was_forgotten_and_lived_yields_when_they_meet()
    {
        DhtCluster cluster = Registers.Founded(5);
        WriteAll(cluster);
        DhtClusterNode[] all = [.. cluster.Alive];
        foreach (DhtClusterNode one in all[..2])
        {
            Array.ForEach(all[2..], other => cluster.Sever(one.Id, other.Id));
        }

        cluster.Run(15);
        Write(cluster, all[2], "most");
        Array.ForEach(all[2..], other => cluster.Forget(other.Id, via: all[0]));
        cluster.Run(5);
        Write(cluster, all[0], "few");
        cluster.Unsever();
        cluster.Run(10);
        foreach (DhtClusterNode node in all)
        {
            OperationResult read = cluster.Call(Registers.Read("k0"), node, seconds: 5);
            Assert.Equal("few", read.Register is { } got ? Text(got) : read.Failure!.Message);
        }

        Assert.Single(all.Select(node => node.ViewOf("k0")!.Lineage).Distinct());
        Assert.False(cluster.ReadRegister("k0").IsContested);
    }

    private static DhtClusterNode[] KillMost(DhtCluster cluster, int count)
    {
        DhtClusterNode[] dead = [.. cluster.Alive.Take(count)];
        Array.ForEach(dead, node => cluster.Kill(node));
        cluster.Run(15);
        return dead;
    }

    private static void Write(DhtCluster cluster, DhtClusterNode via, string value)
    {
        OperationResult end = cluster.Call(Registers.Write("k0", value), via, seconds: 5);
        Assert.True(end.Failure is null, $"{value}: {end.Failure?.Message}");
    }

    private static void WriteAll(DhtCluster cluster)
    {
        for (int at = 0; at < 20; at++)
        {
            cluster.PutRegister("k" + at, "v" + at);
        }
    }

    private static void AssertAllIs(DhtCluster cluster, string value, double within = 10)
    {
        for (int at = 0; at < 20; at++)
        {
            OperationResult read = cluster.Call(Registers.Read("k" + at), seconds: within);
            Assert.True(read.Failure is null, $"k{at}: {read.Failure?.Message} (seed {cluster.Seed})");
            Assert.Equal(value + at, Text(read.Register!));
        }
    }

    private static string Text(RegisterResult result) => Encoding.UTF8.GetString(result.Value.Span);
}
