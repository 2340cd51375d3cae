using BenchmarkDotNet.Attributes;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire.Messages;

namespace Igor.Microbenchmarks;

/// <summary>What keeps a link alive: a ping that is answered.</summary>
[MemoryDiagnoser]
public class HeartbeatBenchmarks
{
    /// <summary>A peer that pings more often than its allowance is not answered.</summary>
    private static readonly TimeSpan Apart = TimeSpan.FromSeconds(5);

    private readonly byte[] _ping = MeasuredNode.Frame(new PingMessage(1, 0));

    private MeasuredNode _node = null!;
    private LinkId _from;
    private TimeSpan _now;

    /// <summary>Makes a node with 100 peers.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _node = new MeasuredNode(100);
        _from = _node.Connect();
        _now = _node.Now;
    }

    /// <summary>Handles one.</summary>
    [Benchmark]
    public void HandlePing() => _node.Overlay.HandleFrame(_now += Apart, _from, _ping);
}
