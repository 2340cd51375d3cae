using BenchmarkDotNet.Attributes;
using Igor.Kbr;
using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Wire;

namespace Igor.Microbenchmarks;

/// <summary>The choice of the next hop for a key by chance.</summary>
[MemoryDiagnoser]
public class NextHopBenchmarks
{
    private readonly SeededRandom _random = new(5);
    private readonly Key[] _keys = new Key[1024];
    private MemberTable _members = null!;
    private RouteSelection _routes = null!;
    private int _next;

    /// <summary>Connected peers of the service.</summary>
    [Params(100, 1000)]
    public int Peers { get; set; }

    /// <summary>Makes the peers.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        var context = new NodeContext(_random.NextKey(), new OverlayOptions(), new MeasuredNode(0), 1);
        var liveness = new Liveness(context);
        var rings = new RingTable(context, new AwayMembers());
        var silent = new SilentMembers(context, rings, new PendingTable(context.Peers, 1), liveness);
        _routes = new RouteSelection(context, new PeerConduct(context, liveness, silent));
        _members = new MemberTable(context.Id);
        for (int i = 0; i < Peers; i++)
        {
            Key id = _random.NextKey();
            var peer = new Peer(id, new Link(new LinkId(i), id, true, LinkPurpose.Neighbour, "a:1"));
            context.Peers.Add(peer);
            _members.Add(peer);
        }

        for (int i = 0; i < _keys.Length; i++)
        {
            _keys[i] = _random.NextKey();
        }
    }

    /// <summary>The best next hop.</summary>
    [Benchmark]
    public object? NextHop() => _routes.NextHop(default, _members, true, _keys[_next++ % _keys.Length]);
}
