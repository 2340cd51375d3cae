using System.Text;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Registers;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Registers;

/// <summary>Two lineages that met, and an operator who gives one of them up.</summary>
public class LineageTests
{
    [Fact]
    public void One_of_two_lineages_is_given_up_and_its_voters_vote_in_the_other()
    {
        for (int seed = 1; seed <= 3; seed++)
        {
            DhtCluster cluster = Registers.Cluster(6, seed);
            DhtClusterNode[] all = [.. cluster.Alive];
            DhtClusterNode[] left = all[..3];
            foreach (DhtClusterNode one in left)
            {
                Array.ForEach(all[3..], other => cluster.Sever(one.Id, other.Id));
            }

            foreach (DhtClusterNode node in all)
            {
                // Two networks that know nothing of one another.
                foreach (DhtClusterNode other in all.Where(o => left.Contains(o) != left.Contains(node)))
                {
                    cluster.Forget(other.Id, via: node);
                }
            }

            Write(cluster, all[0], "left");
            Write(cluster, all[3], "right");
            cluster.Run(30);
            cluster.Unsever();
            cluster.Run(10);
            Assert.True(cluster.ReadRegister("k").IsContested);

            string[] lineages = [.. Ask(cluster, all[0], 0).Select(lineage => lineage.Id)];
            Assert.Equal(2, lineages.Length);
            string kept = all[3].ViewOf("k")!.Lineage.ToString();
            string given = lineages.Single(id => id != kept);
            int open = LineagesMessage.Cells;
            for (int round = 0; round < 20 && open > 0; round++)
            {
                open = 0;
                for (int cell = 0; cell < LineagesMessage.Cells; cell++)
                {
                    IReadOnlyList<CellLineage> there = Ask(cluster, all[0], cell);
                    if (there.Any(lineage => lineage.Id == given))
                    {
                        open++;
                        CellLineage keeper = there.Single(lineage => lineage.Id == kept);
                        Send(
                            cluster,
                            all.Single(node => node.Id == keeper.Coordinator),
                            LineagesMessage.GiveUp(cell, kept, given));
                    }
                }

                cluster.Run(0.5);
            }

            Assert.Equal(0, open);
            cluster.AwaitVoters(5);
            foreach (DhtClusterNode node in all)
            {
                RegisterResult read = cluster.ReadRegister("k", node);
                Assert.Equal(("right", false), (Encoding.UTF8.GetString(read.Value.Span), read.IsContested));
            }

            Assert.Equal(kept, Assert.Single(Ask(cluster, all[0], 0)).Id);
        }
    }

    private static void Write(DhtCluster cluster, DhtClusterNode via, string value)
    {
        OperationResult end = cluster.Call(Registers.Write("k", value), via);
        Assert.True(end.Failure is null, $"{value}: {end.Failure?.Message}");
    }

    private static IReadOnlyList<CellLineage> Ask(DhtCluster cluster, DhtClusterNode via, int cell) => Send(
        cluster, cluster.Route(via, LineagesMessage.MiddleOf(cell)), LineagesMessage.Ask(cell));

    private static IReadOnlyList<CellLineage> Send(
        DhtCluster cluster, DhtClusterNode to, ReadOnlyMemory<byte> message)
    {
        byte[]? answer = null;
        to.Deliver(to.Id, Key.Max, message.ToArray(), a => answer = a, isProven: false);
        to.Schedule();
        cluster.RunUntil(() => answer is not null, 10);
        return LineagesMessage.TryDecode(answer)!;
    }
}
