using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Overlay.Routing;

namespace Igor.Kbr.Tests.Overlay.Routing;

public class RouteSelectionTests
{
    private static readonly Key Self = Id(100);

    [Fact]
    public void The_nearest_peer_is_taken() =>
        Assert.Equal(Id(190), Next(200, [Id(150), Id(190), Id(240)])?.Id);

    [Fact]
    public void A_member_that_is_nearest_itself_passes_nothing_on() =>
        Assert.Null(Next(105, [Id(150), Id(90)]));

    [Fact]
    public void A_client_always_passes_on() =>
        Assert.Equal(Id(90), Next(97, [Id(150), Id(90)], isMember: false)?.Id);

    [Fact]
    public void A_suspect_is_taken_only_when_there_is_no_other()
    {
        Peer[] peers = [Make(Id(150)), Make(Id(190))];
        peers[1].Silence.IsSuspected = true;
        Assert.Equal(Id(150), RouteSelection.NextHop(Table(peers), Self, true, Id(200), null, null)?.Id);
        Assert.Equal(Id(190), RouteSelection.NextHop(Table(peers[1]), Self, true, Id(200), null, null)?.Id);
    }

    [Fact]
    public void The_excluded_node_is_never_taken() =>
        Assert.Null(RouteSelection.NextHop(Table(Make(Id(190))), Self, true, Id(200), Id(190), null));

    [Fact]
    public void Nodes_that_had_it_are_taken_last()
    {
        Peer[] peers = [Make(Id(150)), Make(Id(190)), Make(Id(170))];
        peers[2].Silence.IsSuspected = true;
        Assert.Equal(Id(150), Next([Id(190)]));
        Assert.Equal(Id(170), Next([Id(190), Id(150)]));
        Assert.Equal(Id(190), Next([Id(190), Id(150), Id(170)]));

        Key? Next(List<Key> tried) =>
            RouteSelection.NextHop(Table(peers), Self, true, Id(200), null, tried)?.Id;
    }

    private static Peer? Next(ulong destination, Key[] peers, bool isMember = true) =>
        RouteSelection.NextHop(Table([.. peers.Select(Make)]), Self, isMember, Id(destination), null, null);

    private static MemberTable Table(params Peer[] peers)
    {
        var table = new MemberTable(Self);
        Array.ForEach(peers, peer => table.Add(peer));
        return table;
    }

    private static Peer Make(Key id) => new(id, new Link(new LinkId(1), id, true, false, "a:1"));

    private static Key Id(ulong value) => new(0, 0, 0, value);
}
