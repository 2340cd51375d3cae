using Igor.Simulation.Engine;

namespace Igor.Simulation.Network;

/// <summary>Says how far apart two hosts are.</summary>
public interface ILatencyModel
{
    /// <summary>What it is, for results.</summary>
    string Name { get; }

    /// <summary>
    /// Gives a host, numbered from 0 in the order of creation, a place; called once for each.
    /// </summary>
    void Place(int host, SimRandom random);

    /// <summary>
    /// Time that a packet takes from one host to another when nothing is in its way; always the same.
    /// </summary>
    TimeSpan OneWay(int from, int to);
}
