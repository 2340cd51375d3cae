using BenchmarkDotNet.Attributes;
using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Microbenchmarks;

/// <summary>
/// Frames that a peer may make up to cost this node time, at the most that each may cost: 500 peers, 60
/// services here. They come so far apart that the allowance for such frames is never used up.
/// </summary>
public class HostileFrameBenchmarks
{
    private const int Peers = 500;
    private const int Services = 60;
    private const int ContactsMax = 64;
    private const int OpenRequestsMax = 32_000;
    private static readonly TimeSpan Apart = TimeSpan.FromSeconds(1);

    private readonly byte[][] _neighbours = new byte[16][];
    private byte[] _serviceQuery = [];
    private byte[] _requestQuery = [];
    private MeasuredNode _node = null!;
    private LinkId _from;
    private TimeSpan _now;
    private ulong _version = 1;
    private int _next;

    /// <summary>Makes the node and the frames.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _node = new MeasuredNode(Peers, Services);
        _from = _node.Connect();
        _now = _node.Now;
        _serviceQuery = MeasuredNode.Frame(new ServiceQueryMessage(MeasuredNode.ServiceId));
        _requestQuery = MeasuredNode.Frame(new RequestQueryMessage(ulong.MaxValue));
        for (int i = 0; i < _neighbours.Length; i++)
        {
            _neighbours[i] = MeasuredNode.Frame(new NeighboursMessage(
                ServiceId.Base,
                true,
                [
                    .. Enumerable.Range(1, ContactsMax).Select(k => new Contact(
                        _node.Overlay.Id + new Key(0, 0, 0, (ulong)((i * ContactsMax) + k)),
                        [$"10.1.{i}.{k}:1"])),
                ],
                []));
        }
    }

    /// <summary>Says that it runs all services of this node, and then that it runs none.</summary>
    [Benchmark]
    public void ServicesChanged()
    {
        ServiceId[] all = [.. _node.Others.Skip(3).Select(ServiceId.FromName)];
        bool comes = (_version & 1) == 1;
        var message = new ServicesMessage(
            _version, _version + 1, comes ? [.. all] : [], comes ? [] : [.. all]);
        _version++;
        _node.Overlay.HandleFrame(_now += Apart, _from, MeasuredNode.Frame(message));
    }

    /// <summary>Names 64 nodes that would all be neighbours.</summary>
    [Benchmark]
    public void NeighboursMadeUp() =>
        _node.Overlay.HandleFrame(_now += Apart, _from, _neighbours[_next++ % _neighbours.Length]);

    /// <summary>Asks for members of a service that all peers run.</summary>
    [Benchmark]
    public void ServiceQuery() => _node.Overlay.HandleFrame(_now += Apart, _from, _serviceQuery);

    /// <summary>The same, with as many requests open as one peer may have.</summary>
    [GlobalSetup(Target = nameof(RequestQuery))]
    public void SetUpRequests()
    {
        SetUp();
        for (int i = 0; i < OpenRequestsMax; i++)
        {
            var header = new RouteHeader(
                MeasuredNode.ServiceId,
                _node.Overlay.Id + Key.PowerOfTwo(254),
                Key.Max,
                (ulong)i + 1,
                64,
                RouteFlags.None,
                60_000);
            byte[] frame = new byte[RoutedFrame.RouteHeaderBytes + RoutedFrame.PayloadPrefixBytes];
            RoutedFrame.WriteRoute(frame, header, 0);
            _node.Overlay.HandleFrame(_now, _from, frame);
        }
    }

    /// <summary>Asks for a request that is not there while very many others are.</summary>
    [Benchmark]
    public void RequestQuery() => _node.Overlay.HandleFrame(_now += Apart, _from, _requestQuery);
}
