using System.Collections.Immutable;
using CsCheck;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Tests.Overlay.Links;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Rings;

/// <summary>
/// Rings that are changed by the news of one peer at a time are what a look at all peers would make them.
/// </summary>
public class RingPlacesTests
{
    private const int PerSide = 2;
    private static readonly Key Self = Key.PowerOfTwo(255);

    private static readonly ImmutableArray<ServiceId> Services =
        [.. new[] { "a", "b", "c" }.Select(ServiceId.FromName)];

    private enum Step
    {
        Come,
        Go,
        Change,
        Bar,
        Readmit,
        Forget,
        Take,
    }

    private static readonly Gen<(Step Kind, int Peer, int Services)[]> Steps = Gen.Select(
        Gen.Int[0, 6].Select(kind => (Step)kind), Gen.Int[0, 11], Gen.Int[0, 7]).Array[0, 80];

    [Fact]
    public void Rings_are_what_a_look_at_all_peers_would_make_them() => Steps.Sample(steps =>
    {
        var world = new World();
        foreach ((Step kind, int peer, int services) in steps)
        {
            world.Do(kind, peer, [.. Services.Where((_, i) => (services & (1 << i)) != 0)]);
            world.Judge();
        }
    });

    private sealed class World
    {
        private readonly NodeContext _context = new(
            Self, new OverlayOptions { NeighboursPerSide = PerSide }, new DialLog(), 1);

        private readonly RingTable _rings;
        private ulong _version = 1;

        public World()
        {
            _rings = new RingTable(_context, new AwayMembers());
            _rings.GetOrAdd(default, Services[0], "a");
        }

        public void Do(Step kind, int number, ImmutableArray<ServiceId> services)
        {
            Key id = new((ulong)number * 0x1234_5678_9ABC_DEF0, 0, 0, (ulong)number);
            bool isThere = _context.Peers.TryGet(id, out Peer? peer);
            switch (kind)
            {
                case Step.Come when !isThere:
                    peer = new Peer(id, new Link(new LinkId(number), id, false, LinkPurpose.Neighbour, "a:1"))
                    {
                        JoinsRing = number % 5 != 0,
                    };
                    peer.Services.Apply(new ServicesMessage(0, ++_version, services, []));
                    _context.Peers.Add(peer);
                    _rings.HandlePeerUp(default, peer);
                    break;
                case Step.Go when isThere:
                    _context.Peers.Remove(peer!);
                    _rings.HandlePeerDown(default, peer!, DepartureReason.Failed);
                    _context.Peers.Release(peer!);
                    break;
                case Step.Change when isThere:
                    var news = new ServicesMessage(0, ++_version, services, []);
                    _rings.HandleServicesChanged(default, peer!, peer!.Services.Apply(news)!);
                    break;
                case Step.Bar when isThere:
                    _rings.Bar(default, peer!);
                    break;
                case Step.Readmit when isThere:
                    _rings.Readmit(default, peer!);
                    break;
                case Step.Forget when _rings.TryGet(Services[number % 3], out ServiceRing? ring):
                    _rings.Remove(ring);
                    break;
                case Step.Take:
                    _rings.GetOrAdd(default, Services[number % 3], "ring");
                    break;
            }
        }

        public void Judge()
        {
            var neighbours = new HashSet<Key>();
            foreach (ServiceRing ring in _rings.All)
            {
                Key[] members =
                [
                    .. _context.Peers.All
                        .Where(p => p.JoinsRing && !_rings.IsBarred(p))
                        .Where(p => p.Runs(ring.Id))
                        .Select(p => p.Id),
                ];
                Assert.Equal(
                    members.OrderBy(id => id - Self).Take(PerSide), ring.Neighbours.Clockwise);
                Assert.Equal(
                    members.OrderBy(id => Self - id).Take(PerSide), ring.Neighbours.CounterClockwise);
                neighbours.UnionWith(ring.Neighbours.Others);
            }

            Assert.All(
                _context.Peers.All, p => Assert.Equal(neighbours.Contains(p.Id), _rings.IsNeighbour(p)));
        }
    }
}
