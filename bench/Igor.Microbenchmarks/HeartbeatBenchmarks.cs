using BenchmarkDotNet.Attributes;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire.Messages;

namespace Igor.Microbenchmarks;

/// <summary>What keeps a link alive: heartbeats, and pings that are answered.</summary>
[MemoryDiagnoser]
public class HeartbeatBenchmarks
{
    /// <summary>A peer that pings more often than its allowance is not answered.</summary>
    private static readonly TimeSpan Apart = TimeSpan.FromSeconds(5);

    private readonly byte[] _ping = MeasuredNode.Frame(new PingMessage(1, 0));

    private readonly byte[] _heartbeat = MeasuredNode.Frame(new HeartbeatMessage(1, 0, 0, IsWanted: true));

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

    /// <summary>Handles a heartbeat, whose digest is compared.</summary>
    [Benchmark]
    public void HandleHeartbeat() => _node.Overlay.HandleFrame(_now += Apart, _from, _heartbeat);

    /// <summary>Handles a ping.</summary>
    [Benchmark]
    public void HandlePing() => _node.Overlay.HandleFrame(_now += Apart, _from, _ping);
}
