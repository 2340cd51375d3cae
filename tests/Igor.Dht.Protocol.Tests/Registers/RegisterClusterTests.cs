using System.Text;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Registers;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Registers;

public class RegisterClusterTests
{
    [Fact]
    public void Register_of_a_single_node_is_written_read_swapped_and_deleted()
    {
        DhtCluster cluster = Registers.Cluster(1);
        Assert.Equal(RegisterOutcomeKind.Absent, cluster.ReadRegister("a").Outcome);

        RegisterStamp first = cluster.PutRegister("a", "1").Version;
        RegisterResult got = cluster.ReadRegister("a");
        Assert.Equal((RegisterOutcomeKind.Found, "1", first), (got.Outcome, Text(got), got.Version));

        Assert.Equal(RegisterOutcomeKind.ConditionFailed, cluster.Swap("a", null, "2").Outcome);
        RegisterResult second = cluster.Swap("a", first, "2");
        Assert.Equal(RegisterOutcomeKind.Written, second.Outcome);
        Assert.Equal(second.Version, cluster.Swap("a", first, "3").Version);
        Assert.Equal("2", Text(cluster.ReadRegister("a")));

        Assert.Equal(RegisterOutcomeKind.Written, cluster.DeleteRegister("a").Outcome);
        Assert.Equal(RegisterOutcomeKind.Deleted, cluster.ReadRegister("a").Outcome);
        Assert.Equal(RegisterOutcomeKind.Written, cluster.Swap("a", null, "4").Outcome);
    }

    [Fact]
    public void Registers_are_there_after_a_restart_of_their_only_node()
    {
        DhtCluster cluster = Registers.Cluster(1);
        RegisterStamp version = cluster.PutRegister("a", "1").Version;
        DhtClusterNode node = cluster.Alive.Single();
        cluster.Kill(node);
        cluster.Run(1);
        cluster.Revive(node);
        RegisterResult got = cluster.ReadRegister("a");
        Assert.Equal(("1", version), (Text(got), got.Version));
    }

    [Fact]
    public void Members_that_restart_found_no_second_history_while_the_only_voter_is_missing()
    {
        DhtCluster cluster = Registers.Cluster(3);
        cluster.PutRegister("a", "1");
        Assert.Equal(1, cluster.ReadRegister("a").Voters);
        DhtClusterNode voter = cluster.Alive.Single(
            node => node.Dht.Registers!.Server.Acceptor.Find(Key.Zero) is not null);
        DhtClusterNode[] all = [.. cluster.Alive];
        Array.ForEach(all, node => cluster.Kill(node));
        cluster.Run(1);
        Array.ForEach(all, node =>
        {
            if (node != voter)
            {
                cluster.Revive(node);
            }
        });
        cluster.Run(5);
        Assert.Equal(DhtError.Unreachable, cluster.Call(Registers.Read("a"), seconds: 3).Failure?.Error);
        Assert.Equal(DhtError.Unknown, cluster.Call(Registers.Write("a", "2"), seconds: 3).Failure?.Error);
        cluster.Revive(voter);
        cluster.RunUntil(() => cluster.Call(Registers.Read("a"), seconds: 3).Register is not null, 60);
        Assert.Equal("1", Text(cluster.ReadRegister("a")));
        Assert.False(cluster.ReadRegister("a").IsContested);
    }

    [Fact]
    public void Founder_that_lost_sight_of_another_for_a_moment_hears_anew_what_that_one_keeps()
    {
        DhtCluster cluster = Registers.Cluster(4);
        cluster.Run(5);
        DhtClusterNode founder = cluster.RootOf(Key.Zero);
        cluster.Lose(founder, cluster.Alive.First(node => node != founder).Id);
        cluster.Run(1);
        cluster.Unsever();
        cluster.Run(1);
        Assert.Equal(RegisterOutcomeKind.Absent, cluster.ReadRegister("a").Outcome);
        cluster.PutRegister("a", "1");
    }

    [Fact]
    public void Registers_are_not_absent_when_their_only_voter_has_left_with_agreement()
    {
        DhtCluster cluster = Registers.Cluster(3);
        cluster.RunUntil(
            () => cluster.Alive.All(node => node.Dht.Status is { IsSettled: true, IsReplicated: true }));
        DhtClusterNode voter = cluster.RootOf(Key.Zero);
        cluster.PutRegister("a", "1");
        cluster.Leave(voter);
        cluster.RunUntil(() => !voter.IsAlive, 11);
        cluster.Run(1);
        Assert.All(cluster.Alive, node => Assert.Empty(node.Dht.Status.Missing));
        Assert.Equal(DhtError.Unreachable, cluster.Call(Registers.Read("a"), seconds: 3).Failure?.Error);
        cluster.Revive(voter);
        cluster.RunUntil(() => cluster.Call(Registers.Read("a"), seconds: 3).Register is not null, 60);
        Assert.Equal("1", Text(cluster.ReadRegister("a")));
    }

    [Fact]
    public void Newcomers_vote_after_their_time_and_each_root_coordinates()
    {
        DhtCluster cluster = Registers.Cluster(5);
        cluster.PutRegister("a", "1");
        Assert.Equal(1, cluster.ReadRegister("a").Voters);
        cluster.AwaitVoters(5);
        Assert.Equal(("1", 5), (Text(cluster.ReadRegister("a")), cluster.ReadRegister("a").Voters));
        Assert.All(cluster.Alive, node => Assert.InRange(node.Dht.Registers!.Serving, 1, 3));
    }

    [Fact]
    public void Newcomer_that_is_out_of_reach_keeps_no_others_from_voting()
    {
        DhtCluster cluster = Registers.Cluster(6);
        DhtClusterNode founder = cluster.RootOf(Key.Zero);
        cluster.Cut(founder.Id, cluster.Alive.First(node => node != founder).Id);
        cluster.PutRegister("a", "1");
        cluster.RunUntil(
            () => Enumerable.Range(0, RegisterCells.Count).All(cell => cluster.Alive.Any(node =>
                node.Dht.Registers!.FindReign(RegisterCells.AnchorOf(cell))?.Reign.View.Voters.Length == 5)),
            60);
    }

    [Fact]
    public void Who_hands_over_does_not_take_over_again()
    {
        DhtCluster cluster = Registers.Founded(3);
        Ballot[] Ballots() =>
        [
            .. cluster.Alive
                .SelectMany(node => node.Dht.Registers!.Server.Acceptor.Within(RegisterCells.Whole))
                .Select(vote => vote.Piece.Promised),
        ];
        Ballot[] before = Ballots();
        cluster.Run(20);
        Assert.Equal(before, Ballots());
        Assert.All(before, ballot => Assert.InRange(ballot.Counter, 1UL, 20UL));
    }

    [Fact]
    public void Two_nodes_have_one_voter_and_three_have_three()
    {
        DhtCluster cluster = Registers.Cluster(2);
        cluster.PutRegister("a", "1");
        cluster.Run(30);
        Assert.Equal(1, cluster.ReadRegister("a").Voters);
        cluster.Add();
        cluster.AwaitVoters(3);
        Assert.Equal("1", Text(cluster.ReadRegister("a")));
    }

    [Fact]
    public void Registers_outlive_their_coordinator_and_two_more_one_by_one()
    {
        DhtCluster cluster = Registers.Founded(5);
        for (int at = 0; at < 20; at++)
        {
            cluster.PutRegister("k" + at, "v" + at);
        }

        for (int death = 0; death < 2; death++)
        {
            cluster.Kill(cluster.RootOf(RegisterCells.AnchorOf(RegisterCells.Of(DhtKey.ForRegister("k0")))));
            for (int at = 0; at < 20; at++)
            {
                Assert.Equal("v" + at, Text(cluster.ReadRegister("k" + at)));
            }

            cluster.AwaitVoters(3);
        }
    }

    [Fact]
    public void Without_a_majority_nothing_is_answered_until_it_is_back()
    {
        DhtCluster cluster = Registers.Founded(5);
        cluster.PutRegister("a", "1");
        DhtClusterNode[] dead = [.. cluster.Alive.Take(3)];
        Array.ForEach(dead, node => cluster.Kill(node));
        cluster.Run(30);
        Assert.Equal(DhtError.Unreachable, cluster.Call(Registers.Read("a"), seconds: 3).Failure!.Error);
        Assert.Equal(DhtError.Unknown, cluster.Call(Registers.Write("a", "2"), seconds: 3).Failure!.Error);
        cluster.Revive(dead[1]);
        cluster.RunUntil(() => cluster.Call(Registers.Read("a"), seconds: 3).Register is not null, 120);
        Assert.Contains(Text(cluster.ReadRegister("a")), "12", StringComparison.Ordinal);
    }

    [Fact]
    public void All_restart_and_find_what_was_committed()
    {
        DhtCluster cluster = Registers.Founded(5);
        for (int at = 0; at < 10; at++)
        {
            cluster.PutRegister("k" + at, "v" + at);
        }

        DhtClusterNode[] all = [.. cluster.Alive];
        Array.ForEach(all, node => cluster.Kill(node));
        cluster.Run(2);
        Array.ForEach(all, cluster.Revive);
        for (int at = 0; at < 10; at++)
        {
            Assert.Equal("v" + at, Text(cluster.ReadRegister("k" + at)));
        }
    }

    [Fact]
    public void Voter_that_lost_its_disk_votes_no_more_until_a_view_admits_it()
    {
        DhtCluster cluster = Registers.Founded(3);
        cluster.PutRegister("a", "1");
        DhtClusterNode lost = cluster.Alive.First();
        cluster.Kill(lost);
        lost.Votes.Lose(4711);
        cluster.Revive(lost);
        Assert.Equal("1", Text(cluster.ReadRegister("a")));
        cluster.RunUntil(() => cluster.Alive.All(node => node.ViewOf("a")?.Voters.Any(
            voter => voter.Incarnation == 4711) == true), 120);
        Assert.Equal("1", Text(cluster.ReadRegister("a", lost)));
        Assert.NotEqual(0, lost.Dht.Registers!.Server.Shelf.Count);
    }

    [Fact]
    public void Many_nodes_spread_the_registers_and_keep_them_while_they_come_and_go()
    {
        DhtCluster cluster = Registers.Cluster(3);
        for (int at = 0; at < 40; at++)
        {
            cluster.PutRegister("k" + at, "v" + at);
        }

        for (int more = 0; more < 9; more++)
        {
            cluster.Add();
        }

        cluster.Run(60);
        Assert.All(cluster.Alive, node => Assert.InRange(node.Dht.Registers!.Serving, 1, 4));
        Assert.All(Enumerable.Range(0, 40), at =>
        {
            RegisterResult got = cluster.ReadRegister("k" + at);
            Assert.Equal(("v" + at, 5), (Text(got), got.Voters));
        });

        for (int gone = 0; gone < 6; gone++)
        {
            cluster.Kill(cluster.Alive.ElementAt(gone % 3));
            cluster.Run(25);
        }

        Assert.All(
            Enumerable.Range(0, 40),
            at => Assert.Equal("v" + at, Text(cluster.ReadRegister("k" + at))));
    }

    [Fact]
    public void Voters_that_have_no_part_any_more_forget_their_pieces()
    {
        DhtCluster cluster = Registers.Founded(5);
        cluster.PutRegister("a", "1");
        DhtClusterNode[] first = [.. cluster.Alive];
        Key key = DhtKey.ForRegister("a");
        Key anchor = RegisterCells.AnchorOf(RegisterCells.Of(key));
        var two = new Key(0, 0, 0, 2);
        for (ulong at = 0; at < 5; at++)
        {
            cluster.Add(anchor + new Key(0, 0, 0, at) - two); // nearer than all the others, on both sides
        }

        cluster.RunUntil(
            () => first.All(node => node.Dht.Registers!.Server.Acceptor.Find(anchor) is null), 200);
        Assert.All(first, node => Assert.Null(node.Dht.Registers!.Server.Shelf.Find(key)));
        Assert.Equal("1", Text(cluster.ReadRegister("a", first[0])));
    }

    [Fact]
    public void Messages_of_voters_are_taken_from_whom_their_ballot_names_only()
    {
        DhtCluster cluster = Registers.Founded(3);
        cluster.PutRegister("a", "1");
        DhtClusterNode[] nodes = [.. cluster.Alive];
        VoterServer victim = nodes[0].Dht.Registers!.Server;
        Key anchor = RegisterCells.AnchorOf(0);
        Ballot before = victim.Acceptor.Find(anchor)!.Promised;
        Lineage lineage = victim.Acceptor.Find(anchor)!.View.Lineage;
        var high = new Ballot(1_000_000, nodes[1].Dht.Registers!.Server.Self);
        var prepare = new Prepare(RegisterCells.Whole, high, lineage);

        byte[] Sent(bool isProven, DhtClusterNode from, Voter to)
        {
            var buffer = new Igor.Dht.Protocol.Messages.PayloadBuffer();
            VoterMessages.Write(buffer, to, prepare);
            byte[]? answer = null;
            nodes[0].Deliver(
                nodes[0].Id, from.Id, buffer.Written.ToArray(), reply => answer = reply, isProven);
            cluster.Run(0.5);
            return answer!;
        }

        Assert.Equal(35, Sent(isProven: false, nodes[1], victim.Self)[1]); // Refused
        Assert.Equal(35, Sent(isProven: true, nodes[2], victim.Self)[1]);
        Assert.Equal(35, Sent(isProven: true, nodes[1], victim.Self with { Incarnation = 1 })[1]);
        Assert.True(victim.Acceptor.Find(anchor)!.Promised < high);
        Assert.Equal(before.Counter, victim.Acceptor.Find(anchor)!.Promised.Counter);
        Assert.Equal(47, Sent(isProven: true, nodes[1], victim.Self)[1]); // Voted
    }

    [Fact]
    public void Log_that_grew_is_rewritten_and_says_the_same()
    {
        DhtCluster cluster = Registers.Cluster(1);
        string large = new('x', 60_000);
        RegisterStamp last = default;
        for (int at = 0; at < 60; at++)
        {
            last = cluster.PutRegister("k" + (at % 3), large + at).Version;
        }

        DhtClusterNode node = cluster.Alive.Single();
        Assert.InRange(node.Votes.Durable.Sum(entry => (long)entry.Length), 1, 1_500_000);
        cluster.Kill(node);
        cluster.Revive(node);
        RegisterResult got = cluster.ReadRegister("k2");
        Assert.Equal((large + 59, last), (Text(got), got.Version));
    }

    private static string Text(RegisterResult result) => Encoding.UTF8.GetString(result.Value.Span);
}
