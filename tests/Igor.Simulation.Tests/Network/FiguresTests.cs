using Igor.Kbr;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests;

public class FiguresTests
{
    [Fact]
    public async Task Node_tells_the_size_of_its_ring_and_what_its_place_takes()
    {
        const int Nodes = 100;
        var network = new SimulatedNetwork(new SimulationOptions { Seed = 11 });
        network.Assemble(Nodes);
        network.RunFor(TimeSpan.FromMinutes(2));
        var sizes = new List<double>();
        foreach (SimulatedNode node in network.Nodes)
        {
            OverlayFigures figures = (await node.GetStatusAsync()).Figures;
            Assert.Equal(128, figures.LinksMax);
            Assert.InRange(figures.Links, 16, figures.LinksMax);
            Assert.Equal(node.LinkCount, figures.Links);
            Assert.Equal(figures.Links > 96, figures.IsBusy);
            Assert.InRange(figures.UpkeepBytesPerSecond, 10, 1000);
            sizes.Add(figures.RingSize);
        }

        Assert.InRange(sizes.Average(), Nodes * 0.8, Nodes * 1.25);
    }
}
