using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Microbenchmarks;

/// <summary>A request of 1 KiB that passes through a node, and its reply that passes back.</summary>
[MemoryDiagnoser]
public class ForwardBenchmarks
{
    private const int PayloadBytes = 1024;
    private const int RoutesCount = 256;
    private const int HopIdOffset = 89; // in a Route frame

    private readonly byte[][] _routes = new byte[RoutesCount][];
    private readonly byte[] _reply =
        new byte[RoutedFrame.ReplyHeaderBytes + RoutedFrame.PayloadPrefixBytes + PayloadBytes];

    private MeasuredNode _node = null!;
    private LinkId _from;
    private int _next;

    /// <summary>Connected peers of the service.</summary>
    [Params(100, 1000)]
    public int Peers { get; set; }

    /// <summary>Makes the node and frames for keys far from it.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _node = new MeasuredNode(Peers);
        _from = _node.Connect();
        Key source = _node.NextKey();
        for (int i = 0; i < RoutesCount; i++)
        {
            Key destination = _node.Overlay.Id + Key.PowerOfTwo(254) + _node.NextKey().ShiftRight(2);
            var header = new RouteHeader(
                MeasuredNode.ServiceId, destination, source, 7, 64, RouteFlags.None, 10_000, 9);
            _routes[i] = new byte[RoutedFrame.RouteHeaderBytes + RoutedFrame.PayloadPrefixBytes + PayloadBytes
                + RoutedFrame.RequestNumberBytes];
            RoutedFrame.WriteRoute(_routes[i], header, PayloadBytes);
            RoutedFrame.WriteRequestNumber(_routes[i].AsSpan(^RoutedFrame.RequestNumberBytes..), 9);
        }
    }

    /// <summary>One request and its reply.</summary>
    [Benchmark]
    public void ForwardRequestAndReply()
    {
        _node.Overlay.HandleFrame(_node.Now, _from, _routes[_next++ % RoutesCount]);
        ulong hopId = BinaryPrimitives.ReadUInt64BigEndian(_node.LastFrame[HopIdOffset..]);
        RoutedFrame.WriteReply(_reply, new ReplyHeader(hopId, ReplyStatus.Ok, Key.Zero), PayloadBytes);
        _node.Overlay.HandleFrame(_node.Now, _node.LastLink, _reply);
    }
}
