using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests.Registers;

/// <summary>A node that was never there is alone, and then those return who were there.</summary>
public class LoneNewcomerTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(400);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Newcomer_that_was_alone_calls_nothing_absent_and_founds_nothing_when_others_return(ulong seed)
    {
        var world = new RegisterWorld(3, seed);
        world.Found(3);
        SimulatedNode[] before = [.. world.Nodes];
        Key value = Put(world, "tea");
        world.Network.RunFor(TimeSpan.FromSeconds(5));
        Array.ForEach(before, node => node.PowerOff());
        SimulatedNode newcomer = world.Join(before);
        var seen = new List<string>();
        bool isOver = false;
        Ask();
        world.Network.RunFor(TimeSpan.FromSeconds(20));
        foreach (SimulatedNode node in before)
        {
            node.Start();
            world.Network.RunFor(TimeSpan.FromSeconds(4));
        }

        world.Network.RunFor(TimeSpan.FromSeconds(20));
        isOver = true;
        Assert.Empty(seen);
        world.Await("it is read at the newcomer", () => world.Call(
            newcomer, RegisterWorld.Read(world.Keys[0])).Register is { IsContested: false } read
            && RegisterWorld.ValueOf(read) == 1);

        void Ask()
        {
            foreach (SimulatedNode node in world.Network.RunningNodes)
            {
                world.DhtOf(node).Call(RegisterWorld.Read(world.Keys[0]) with { Timeout = s_patience }, end =>
                    Note(node, end.Register?.Outcome, end.Register?.Outcome == RegisterOutcomeKind.Absent));
                world.DhtOf(node).Call(
                    RegisterWorld.Write(world.Keys[1], 7) with { Timeout = s_patience },
                    end => Note(node, end.Register?.Version, end.Register?.IsContested == true));
                world.DhtOf(node).Get(Get(value), end => Note(
                    node, end.Got, end.Got is { IsDegraded: false, Outcome: GetOutcome.Absent }));
            }

            if (!isOver)
            {
                world.Network.Engine.After(TimeSpan.FromMilliseconds(20), Ask);
            }
        }

        void Note(SimulatedNode node, object? end, bool isWrong)
        {
            if (isWrong)
            {
                seen.Add($"at {world.Network.Now} {node}: {end}");
            }
        }
    }

    private static DhtGet Get(Key key) => new()
    {
        Key = key,
        Type = ValueRecordType.TypeName,
        Timeout = s_patience,
    };

    private static Key Put(RegisterWorld world, string name)
    {
        OperationResult? end = null;
        Key key = DhtKey.ForValue(name);
        world.DhtOf(world.Nodes[0]).Put(
            new DhtPut
            {
                Key = key,
                Type = ValueRecordType.TypeName,
                Value = "green"u8.ToArray(),
                Timeout = TimeSpan.FromSeconds(10),
            },
            result => end = result);
        world.Await("it is put", () => end is not null);
        Assert.False(end!.Receipt!.IsDegraded);
        return key;
    }
}
