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

    [Fact]
    public void Node_is_greeted_on_each_link_until_that_leads_to_a_peer_or_is_closed()
    {
        var links = new OpenLinks(new NodeContext(Key.Zero, new OverlayOptions(), new LoneNode(Key.Zero), 1));
        Link[] three = [.. Enumerable.Range(1, 3).Select(
            i => new Link(new LinkId(i), Key.Max, isOutbound: true, LinkPurpose.Neighbour, "10.0.0.1:1"))];
        Array.ForEach(three, links.Add);
        links.BringUp(three[0], new Peer(Key.Max, three[0]));
        links.Forget(three[1]);
        Assert.True(links.IsGreeting(Key.Max));
        Assert.True(links.Remove(three[2].Id, out _));
        Assert.False(links.IsGreeting(Key.Max));
        links.Forget(three[0]);
        links.Forget(three[2]); // it is gone already
        Assert.False(links.IsGreeting(Key.Max));
        Assert.Equal(0, links.Walks);
    }

    private sealed class Faulty : Machine
    {
        public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason) =>
            throw new InvalidOperationException("a fault of the host");
    }
}
