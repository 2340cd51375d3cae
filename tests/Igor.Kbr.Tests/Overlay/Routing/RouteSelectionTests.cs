using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Tests.Overlay.Links;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Routing;

public class RouteSelectionTests
{
    private static readonly Key Self = Id(100);

    private readonly MemberTable _members = new(Self);
    private readonly NodeContext _context = new(Self, new OverlayOptions(), new DialLog(), 1);
    private readonly SilentMembers _silent;
    private readonly RouteSelection _routes;

    public RouteSelectionTests()
    {
        var liveness = new Liveness(_context);
        var rings = new RingTable(_context, new AwayMembers());
        _silent = new SilentMembers(_context, rings, new PendingTable(_context.Peers, 1), liveness);
        _routes = new RouteSelection(_context, new PeerConduct(_context, liveness, _silent));
    }

    [Fact]
    public void The_nearest_peer_is_taken()
    {
        Connect(150, 190, 240);
        Assert.Equal(Id(190), Next(200));
    }

    [Fact]
    public void A_member_that_is_nearest_itself_passes_nothing_on()
    {
        Connect(150, 90);
        Assert.Null(Next(105));
    }

    [Fact]
    public void A_client_always_passes_on()
    {
        Connect(150, 90);
        Assert.Equal(Id(90), Next(97, isMember: false));
    }

    [Fact]
    public void A_suspect_is_taken_only_when_there_is_no_other()
    {
        Suspect(Connect(190));
        Assert.Equal(Id(190), Next(200));
        Connect(150);
        Assert.Equal(Id(150), Next(200));
    }

    [Fact]
    public void The_excluded_node_is_never_taken()
    {
        Connect(190);
        Assert.Null(Next(200, excluded: Id(190)));
    }

    [Fact]
    public void Nodes_that_had_it_are_taken_last()
    {
        Connect(150, 190);
        Suspect(Connect(170));
        Assert.Equal(Id(150), Next(200, tried: [Id(190)]));
        Assert.Equal(Id(170), Next(200, tried: [Id(190), Id(150)]));
        Assert.Equal(Id(190), Next(200, tried: [Id(190), Id(150), Id(170)]));
    }

    [Fact]
    public void The_destination_itself_is_taken_however_it_behaves()
    {
        Connect(190);
        Suspect(Connect(200));
        Assert.Equal(Id(200), Next(200, tried: [Id(200)]));
    }

    private void Suspect(Peer peer) => _silent.Suspect(default, peer);

    private Key? Next(
        ulong destination, bool isMember = true, Key? excluded = null, params Key[] tried)
    {
        var entry = new Pending();
        foreach (Peer peer in _members.All)
        {
            if (tried.Contains(peer.Id))
            {
                entry.NoteAttempt(default, peer);
            }
        }

        return _routes.NextHop(default, _members, isMember, Id(destination), excluded, entry)?.Id;
    }

    private Peer Connect(params ulong[] ids)
    {
        Peer peer = null!;
        foreach (ulong id in ids)
        {
            peer = new Peer(Id(id), new Link(new LinkId(1), Id(id), true, LinkPurpose.Neighbour, "a:1"));
            _context.Peers.Add(peer);
            _members.Add(peer);
        }

        return peer;
    }

    private static Key Id(ulong value) => new(0, 0, 0, value);
}
