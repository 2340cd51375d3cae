using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests.Registers;

/// <summary>Registers over the whole stack, under one kind of fault at a time.</summary>
public class RegisterFaultTests
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void One_cut_link_between_voters_breaks_no_history(ulong seed, bool isOneWay)
    {
        var world = new RegisterWorld(8, seed);
        world.Found(5);
        world.BeginCalls(5);
        foreach (Key key in world.Keys.Take(2))
        {
            SimulatedNode[] voters = world.VotersOf(key);
            PathFault cut = isOneWay
                ? world.Network.Faults.PartitionOneWay([voters[1]], [voters[0]])
                : world.Network.Faults.Partition([voters[0]], [voters[1]]);
            world.Network.RunFor(TimeSpan.FromSeconds(20));
            cut.Heal();
            world.Network.RunFor(TimeSpan.FromSeconds(5));
        }

        End(world);
    }

    [Fact]
    public void Half_without_a_majority_acknowledges_none_of_100_puts()
    {
        var world = new RegisterWorld(5, 11);
        world.Found(5);
        SimulatedNode[] few = [.. world.Nodes.Take(2)];
        SimulatedNode[] most = [.. world.Nodes.Skip(2)];
        PathFault partition = world.Network.Faults.Partition(few, most);
        var ends = new List<(bool IsFew, OperationResult Result)>();
        for (int at = 0; at < 100; at++)
        {
            Key key = DhtKey.ForRegister("name " + at);
            DhtRegisterCall call = RegisterWorld.Write(key, at) with { Timeout = TimeSpan.FromSeconds(30) };
            world.DhtOf(few[at % 2]).Call(call, end => ends.Add((true, end)));
            world.DhtOf(most[at % 3]).Call(call, end => ends.Add((false, end)));
        }

        world.Await("all puts end", () => ends.Count == 200);
        Assert.All(ends.Where(end => end.IsFew), end => Assert.Null(end.Result.Register));
        Assert.All(ends.Where(end => !end.IsFew), end => Assert.Equal(
            RegisterOutcomeKind.Written, end.Result.Register?.Outcome));
        partition.Heal();
        world.Network.RunFor(TimeSpan.FromMinutes(1));
        for (int at = 0; at < 100; at++)
        {
            OperationResult read = world.Call(few[0], RegisterWorld.Read(DhtKey.ForRegister("name " + at)));
            Assert.Equal(at, RegisterWorld.ValueOf(read.Register!));
        }
    }

    [Fact]
    public void Half_and_half_serve_each_register_on_one_side_at_most()
    {
        var world = new RegisterWorld(10, 12);
        world.Found(5);
        world.BeginCalls(3, [.. world.Nodes.Take(5)]);
        world.BeginCalls(3, [.. world.Nodes.Skip(5)]);
        PathFault partition = world.Network.Faults.Partition(world.Nodes.Take(5), world.Nodes.Skip(5));
        world.Network.RunFor(TimeSpan.FromMinutes(1));
        partition.Heal();
        world.Network.RunFor(TimeSpan.FromMinutes(1));
        End(world);
    }

    [Theory]
    [InlineData(21, 3)]
    [InlineData(22, 70)]
    public void Leaves_of_three_acknowledgers_never_make_a_register_absent(ulong seed, int secondsBetween)
    {
        var world = new RegisterWorld(8, seed);
        world.Found(5);
        Key key = world.Keys[0];
        SimulatedNode[] voters = world.VotersOf(key);
        SimulatedNode reader = world.Nodes.First(node => !voters.Contains(node));
        foreach (SimulatedNode voter in voters.Take(3))
        {
            world.DhtOf(voter).Close();
            voter.Leave();
            for (int second = 0; second < secondsBetween; second++)
            {
                world.Network.RunFor(TimeSpan.FromSeconds(1));
                OperationResult read = world.Call(reader, RegisterWorld.Read(key));
                Assert.True(
                    read.Failure?.Error == DhtError.Unreachable || RegisterWorld.ValueOf(read.Register!) == 1,
                    $"{read}, seed {seed}");
            }
        }

        if (secondsBetween > 60)
        {
            Assert.Equal(1, RegisterWorld.ValueOf(world.Call(reader, RegisterWorld.Read(key)).Register!));
        }

        Array.ForEach(voters[..3], voter => voter.Start());
        world.Await("it is read again", () => world.Call(reader, RegisterWorld.Read(key)).Register is { } read
            && RegisterWorld.ValueOf(read) == 1);
    }

    [Theory]
    [InlineData(31)]
    public void Coordinator_that_stalls_and_wakes_breaks_no_history(ulong seed)
    {
        var world = new RegisterWorld(6, seed);
        world.Found(5);
        world.BeginCalls(5);
        foreach (Key key in world.Keys.Take(2))
        {
            world.VotersOf(key)[0].Stall(TimeSpan.FromSeconds(30));
            world.Network.RunFor(TimeSpan.FromSeconds(40));
        }

        End(world);
    }

    [Theory]
    [InlineData(41)]
    [InlineData(42)]
    public void Retry_of_a_put_whose_answer_was_lost_does_not_overwrite_what_came_after(ulong seed)
    {
        var world = new RegisterWorld(8, seed);
        world.Found(5);
        Key key = world.Keys[0];
        SimulatedNode[] voters = world.VotersOf(key);
        SimulatedNode[] others = [.. world.Nodes.Except(voters)];

        // Its answers do not reach the first; what it asks for arrives.
        PathFault cut = world.Network.Faults.PartitionOneWay(
            world.Nodes.Where(node => node != others[0]), [others[0]]);
        OperationResult? first = null;
        DhtRegisterCall call = RegisterWorld.Write(key, 77) with { Timeout = TimeSpan.FromSeconds(60) };
        world.DhtOf(others[0]).Call(call, end => first = end);
        world.Await("the put is done", () => RegisterWorld.ValueOf(
            world.Call(others[1], RegisterWorld.Read(key)).Register!) == 77);
        Assert.Equal(
            RegisterOutcomeKind.Written,
            world.Call(others[1], RegisterWorld.Write(key, 88)).Register?.Outcome);
        Assert.Null(first);
        cut.Heal();
        world.Await("the first hears of its end", () => first is not null);
        Assert.Equal(RegisterOutcomeKind.Written, first!.Register?.Outcome);
        Assert.Equal(88, RegisterWorld.ValueOf(world.Call(others[1], RegisterWorld.Read(key)).Register!));
    }

    [Theory]
    [InlineData(51)]
    public void Power_cut_of_all_loses_nothing_that_was_acknowledged(ulong seed)
    {
        var world = new RegisterWorld(6, seed);
        world.Found(5);
        world.BeginCalls(5);
        for (int cut = 0; cut < 2; cut++)
        {
            world.Network.RunFor(TimeSpan.FromSeconds(10));
            foreach (SimulatedNode node in world.Nodes)
            {
                node.PowerOff();
            }

            world.Network.RunFor(TimeSpan.FromSeconds(2));
            foreach (SimulatedNode node in world.Nodes)
            {
                node.Start();
            }

            world.Network.RunFor(TimeSpan.FromSeconds(30));
        }

        End(world);
    }

    [Theory]
    [InlineData(61)]
    [InlineData(62)]
    public void Deaths_and_returns_of_one_node_at_a_time_break_no_history(ulong seed)
    {
        var world = new RegisterWorld(7, seed);
        world.Found(5);
        world.BeginCalls(5);
        for (int death = 0; death < 5; death++)
        {
            SimulatedNode victim = death % 2 == 0
                ? world.VotersOf(world.Keys[death / 2])[0]
                : world.Nodes[death % 7];
            if (death % 3 == 0)
            {
                victim.PowerOff();
            }
            else
            {
                victim.Crash();
            }

            world.Network.RunFor(TimeSpan.FromSeconds(death % 4 == 0 ? 2 : 15));
            victim.Start();
            world.Network.RunFor(TimeSpan.FromSeconds(8));
        }

        End(world);
    }

    [Theory]
    [InlineData(71, 5, 3)]
    [InlineData(72, 9, 3)]
    [InlineData(73, 5, 4)]
    [InlineData(74, 3, 2)]
    public void Survivors_of_a_forgotten_majority_have_one_history_and_the_dead_do_not_disturb_it(
        ulong seed, int nodes, int dead)
    {
        var world = new RegisterWorld(nodes, seed);
        world.Found(Math.Min(nodes, 5));
        SimulatedNode[] gone = world.VotersOf(world.Keys[0])[..dead];
        Array.ForEach(gone, node => node.PowerOff());
        world.Network.RunFor(TimeSpan.FromSeconds(15));
        SimulatedNode[] left = [.. world.Network.RunningNodes];
        foreach (SimulatedNode node in gone)
        {
            ForgetResult? told = null;
            world.Await("it is forgotten", () =>
            {
                world.DhtOf(left[0]).Forget(node.NodeId, end => told = end);
                world.Network.RunFor(TimeSpan.FromSeconds(1));
                return told?.Told > 0;
            });
        }

        world.BeginCalls(4);
        world.Network.RunFor(TimeSpan.FromSeconds(20));
        Array.ForEach(gone, node => node.Start());
        world.Network.RunFor(TimeSpan.FromSeconds(20));
        left[0].PowerOff();
        world.Network.RunFor(TimeSpan.FromSeconds(5));
        left[0].Start();
        End(world);
    }

    [Theory]
    [InlineData(81)]
    [InlineData(82)]
    public void Three_of_five_voters_that_are_drained_one_after_the_other_break_no_history(ulong seed)
    {
        var world = new RegisterWorld(8, seed);
        world.Found(5);
        world.BeginCalls(4);
        foreach (SimulatedNode node in world.VotersOf(world.Keys[0])[..3])
        {
            world.DhtOf(node).BeginDraining(TimeSpan.FromSeconds(30), node.Leave);
            world.Await("it is drained", () => !node.IsRunning);
        }

        int before = world.Calls.Ended;
        world.Network.RunFor(TimeSpan.FromSeconds(5));
        Assert.InRange(world.Calls.Ended - before, 20, int.MaxValue);
        End(world);
    }

    // Once faults have ended all is served again; what was seen has an order.
    private static void End(RegisterWorld world)
    {
        world.Network.RunFor(TimeSpan.FromSeconds(30));
        int before = world.Calls.Ended;
        world.Network.RunFor(TimeSpan.FromSeconds(10));
        Assert.InRange(world.Calls.Ended - before, 40, int.MaxValue);
        world.EndCalls();
        world.Check();
    }
}
