using System.Text;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Registers;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Registers;

/// <summary>Calls on registers of a <see cref="DhtCluster"/>, and looks at who votes there.</summary>
internal static class Registers
{
    /// <summary>Nodes that vote a few seconds after they came.</summary>
    public static DhtCluster Cluster(int count, int seed = 1)
    {
        var cluster = new DhtCluster(seed)
        {
            Options = DhtNodeOptions.Default with { VoteAfter = TimeSpan.FromSeconds(3) },
        };
        for (int at = 0; at < count; at++)
        {
            cluster.Add();
        }

        cluster.Run(1);
        return cluster;
    }

    /// <summary>Nodes that all vote about all.</summary>
    public static DhtCluster Founded(int count, int seed = 1)
    {
        DhtCluster cluster = Cluster(count, seed);
        cluster.PutRegister("founding", "x");
        cluster.AwaitVoters(count);
        return cluster;
    }

    public static DhtRegisterCall Read(string name) => new()
    {
        Key = DhtKey.ForRegister(name),
        Verb = RegisterVerb.Get,
        Timeout = TimeSpan.FromSeconds(10),
    };

    public static DhtRegisterCall Write(string name, string value) => Read(name) with
    {
        Verb = RegisterVerb.Put,
        Value = Encoding.UTF8.GetBytes(value),
    };

    public static OperationResult Call(
        this DhtCluster cluster, DhtRegisterCall call, DhtClusterNode? via = null, double seconds = 10)
    {
        PendingOperation pending = (via ?? cluster.Alive.First()).Call(
            call with { Timeout = TimeSpan.FromSeconds(seconds) });
        cluster.RunUntil(() => pending.Result is not null, 90);
        return pending.Result!;
    }

    public static RegisterResult ReadRegister(
        this DhtCluster cluster, string name, DhtClusterNode? via = null) =>
        Served(cluster.Call(Read(name), via));

    public static RegisterResult PutRegister(this DhtCluster cluster, string name, string value) =>
        Served(cluster.Call(Write(name, value)));

    public static RegisterResult DeleteRegister(this DhtCluster cluster, string name) =>
        Served(cluster.Call(Read(name) with { Verb = RegisterVerb.Delete }));

    public static RegisterResult Swap(
        this DhtCluster cluster, string name, RegisterStamp? expected, string value) =>
        Served(cluster.Call(Write(name, value) with
        {
            Precondition = expected is null ? RegisterPrecondition.Absent : RegisterPrecondition.Version,
            Expected = expected ?? default,
        }));

    /// <summary>The view that a node keeps of a register.</summary>
    public static View? ViewOf(this DhtClusterNode node, string name) => node.Dht.Registers!.Server.Acceptor
        .Find(RegisterCells.AnchorOf(RegisterCells.Of(DhtKey.ForRegister(name))))?.View;

    /// <summary>Waits until all cells have so many voters, and somebody serves each.</summary>
    public static void AwaitVoters(this DhtCluster cluster, int count) => cluster.RunUntil(
        () => Enumerable.Range(0, RegisterCells.Count).All(cell => IsServed(cluster, cell, count)), 200);

    private static bool IsServed(DhtCluster cluster, int cell, int count)
    {
        Key anchor = RegisterCells.AnchorOf(cell);
        DhtClusterNode root = cluster.RootOf(anchor);
        return root.Dht.Registers!.FindReign(anchor) is { } reign
            && reign.Reign.View.Voters.Length == count && reign.Reign.IsQuiet;
    }

    private static RegisterResult Served(OperationResult result)
    {
        Assert.True(result.Failure is null, result.Failure?.Message);
        return result.Register!;
    }
}
