using Igor.Kbr;
using Igor.Simulation.Network;

namespace Igor.Simulation.Checks;

/// <summary>
/// One ring per service: every live member's neighbour set is exactly the nearest live members on either
/// side.
/// </summary>
public sealed class RingChecker
{
    private const string Name = "ring";
    private readonly SimulatedNetwork _network;
    private readonly ServiceId _service;
    private readonly int _perSide;

    /// <summary>Makes a checker for the ring of a service (the base overlay's when not given).</summary>
    public RingChecker(SimulatedNetwork network, ServiceId service = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        _network = network;
        _service = service;
        _perSide = network.Options.Overlay.NeighboursPerSide;
    }

    /// <summary>Whether the ring is as it ought to be now.</summary>
    public bool Holds() => FirstFault(TrueRing.Of(_network, _service), 0) < 0;

    /// <summary>Number of members whose neighbour set is not as it ought to be.</summary>
    public int CountFaults()
    {
        TrueRing ring = TrueRing.Of(_network, _service);
        int count = 0;
        for (int i = FirstFault(ring, 0); i >= 0; i = FirstFault(ring, i + 1))
        {
            count++;
        }

        return count;
    }

    /// <summary>Reports every member whose neighbour set is not as it ought to be.</summary>
    public void Check(ViolationLog log)
    {
        ArgumentNullException.ThrowIfNull(log);
        TrueRing ring = TrueRing.Of(_network, _service);
        for (int i = FirstFault(ring, 0); i >= 0; i = FirstFault(ring, i + 1))
        {
            log.Add(Name, Describe(ring, i));
        }
    }

    private int FirstFault(TrueRing ring, int start)
    {
        for (int i = start; i < ring.Members.Count; i++)
        {
            NeighbourSet? seen = ring.Members[i].Neighbours(_service);
            if (seen is null
                || !seen.IsMember
                || !seen.Clockwise.SequenceEqual(ring.ClockwiseOf(i, _perSide))
                || !seen.CounterClockwise.SequenceEqual(ring.CounterClockwiseOf(i, _perSide)))
            {
                return i;
            }
        }

        return -1;
    }

    private string Describe(TrueRing ring, int index)
    {
        SimulatedNode node = ring.Members[index];
        NeighbourSet seen = node.Neighbours(_service)!;
        return $"{node}{(seen.IsMember ? string.Empty : " is no member;")} "
            + $"clockwise [{Short(seen.Clockwise)}] should be [{Short(ring.ClockwiseOf(index, _perSide))}], "
            + $"back [{Short(seen.CounterClockwise)}] should be "
            + $"[{Short(ring.CounterClockwiseOf(index, _perSide))}]";
    }

    private static string Short(IEnumerable<Key> keys) =>
        string.Join(' ', keys.Select(key => key.ToShortString()));
}
