using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Links;

public class OpenLinksTests
{
    [Fact]
    public void Slot_of_a_peer_that_is_gone_is_free_also_when_telling_of_it_fails()
    {
        var context = new NodeContext(Key.Zero, new OverlayOptions(), new LoneNode(Key.Zero), 1);
        context.Machines.Set([new Faulty()]);
        var link = new Link(new LinkId(1), Key.Max, isOutbound: true, LinkPurpose.Neighbour, "10.0.0.1:1");
        var peer = new Peer(Key.Max, link);
        context.Peers.Add(peer);

        Assert.Throws<InvalidOperationException>(
            () => new OpenLinks(context).Drop(TimeSpan.Zero, peer, DepartureReason.Failed));
        Assert.Equal(-1, peer.Slot);
    }

    private sealed class Faulty : Machine
    {
        public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason) =>
            throw new InvalidOperationException("a fault of the host");
    }
}
