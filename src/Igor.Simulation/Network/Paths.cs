using Igor.Simulation.Engine;

namespace Igor.Simulation.Network;

/// <summary>
/// How long what is sent takes: latency, jitter, loss as TCP shows it (delay), and the faults in force.
/// </summary>
internal sealed class Paths(
    SimulationOptions options, ILatencyModel latency, NetworkFaults faults, SimRandom random)
{
    private const int PacketBytes = 1460;
    private static readonly TimeSpan RetransmitAfter = TimeSpan.FromMilliseconds(200);

    /// <summary>Whether nothing gets through to an end of a link.</summary>
    public bool IsBlocked(LinkEnd to) =>
        faults.IsBlocked(to.Remote.Process.Node.Index, to.Process.Node.Index);

    /// <summary>Ticks that some bytes take from one host to another.</summary>
    public long Delay(int from, int to, int length)
    {
        (TimeSpan added, double loss) = faults.Added(from, to);
        return Delay(latency.OneWay(from, to).Ticks + added.Ticks, options.Loss + loss, length);
    }

    /// <summary>Ticks that some bytes take to an end of a link.</summary>
    public long Delay(LinkEnd to, int length)
    {
        if (faults.Active == 0)
        {
            return Delay(to.OneWay, options.Loss, length);
        }

        (TimeSpan added, double loss) =
            faults.Added(to.Remote.Process.Node.Index, to.Process.Node.Index);
        return Delay(to.OneWay + added.Ticks, options.Loss + loss, length);
    }

    private long Delay(long oneWay, double loss, int length)
    {

        long delay = oneWay + (long)random.Exponential(oneWay * options.JitterFraction);
        if (loss > 0)
        {
            double anyLost = 1 - Math.Pow(1 - Math.Min(loss, 0.9), 1 + (length / PacketBytes));
            long retransmit = RetransmitAfter.Ticks + (2 * oneWay);
            for (int tries = 0; tries < 6 && random.NextDouble() < anyLost; tries++)
            {
                delay += retransmit;
                retransmit *= 2;
            }
        }

        return delay;
    }
}
