namespace Igor.Kbr.Tests.Overlay.Upkeep;

public class ManyServicesTests
{
    private const int FrameOverheadBytes = 66;

    [Fact]
    public void Node_with_many_services_keeps_them_up_with_little()
    {
        const int Nodes = 20;
        const int Services = 100;
        const int Seconds = 120;
        var network = new TestNetwork();
        var random = new SeededRandom(1);
        TestNode first = network.Add(random.NextKey());
        for (int i = 1; i < Nodes; i++)
        {
            network.Add(random.NextKey(), through: first);
        }

        network.Run(TimeSpan.FromSeconds(20));
        for (int service = 0; service < Services; service++)
        {
            foreach (TestNode node in network.Nodes)
            {
                node.Join($"service {service}");
            }
        }

        network.Run(TimeSpan.FromMinutes(4));
        long bytes = 0;
        network.Loses = (_, _, frame) =>
        {
            bytes += frame.Length + FrameOverheadBytes;
            return false;
        };
        network.Run(TimeSpan.FromSeconds(Seconds));
        foreach (TestNode node in network.Nodes)
        {
            for (int service = 0; service < Services; service++)
            {
                Assert.Equal(16, node.Overlay.Neighbours(ServiceId.FromName($"service {service}")).Count);
            }
        }

        Assert.InRange(bytes / Seconds / Nodes, 1, 500);
    }
}
