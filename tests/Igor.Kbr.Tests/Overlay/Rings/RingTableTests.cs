namespace Igor.Kbr.Tests.Overlay.Rings;

public class RingTableTests
{
    [Fact]
    public void Services_beyond_what_a_peer_accepts_are_not_told_to_it()
    {
        var network = new TestNetwork();
        var random = new SeededRandom(1);
        TestNode first = network.Add(random.NextKey());
        TestNode second = network.Add(random.NextKey(), through: first);
        network.Run(TimeSpan.FromSeconds(5));
        for (int i = 0; i < 70; i++)
        {
            first.Join($"service {i}");
        }

        network.Run(TimeSpan.FromSeconds(5));
        PeerStatus seen = Assert.Single(second.Overlay.Peers);
        Assert.Equal(63, seen.Services.Length);
        Assert.DoesNotContain(second.Events, e => e.Kind == OverlayEventKind.PeerLost);
    }
}
