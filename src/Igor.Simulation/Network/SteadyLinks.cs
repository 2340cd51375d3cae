using Igor.Kbr;
using Igor.Kbr.Overlay.Rings;
using Igor.Simulation.Engine;

namespace Igor.Simulation.Network;

/// <summary>
/// The links of a ring in its steady state: each node with its neighbours, and with one random node in each
/// slot of its finger table that neither a link of its own nor one from there fills.
/// </summary>
internal sealed class SteadyLinks
{
    private const int SlotsPerSide = 255;

    /// <summary>A node that has room is nearly always among so many.</summary>
    private const int ChoicesMax = 16;

    private readonly List<SimulatedNode> _ring;
    private readonly Key[] _ids;
    private readonly int _perSide;
    private readonly SimRandom _random;
    private readonly Dictionary<(int Node, int Slot), int> _filled = [];

    public SteadyLinks(IEnumerable<SimulatedNode> nodes, int perSide, SimRandom random)
    {
        _ring = [.. nodes.OrderBy(node => node.NodeId)];
        _ids = [.. _ring.Select(node => node.NodeId)];
        _perSide = perSide;
        _random = random;
    }

    /// <summary>All links, each once: who dials first. In random order, as networks grow.</summary>
    public IEnumerable<(SimulatedNode From, SimulatedNode To, bool IsFinger)> All()
    {
        var order = Enumerable.Range(0, _ring.Count).ToList();
        _random.Shuffle(order);
        int reach = Math.Min(_perSide, _ring.Count / 2);
        foreach (int at in order)
        {
            for (int step = 1; step <= reach; step++)
            {
                int other = (at + step) % _ring.Count;
                if (2 * step != _ring.Count || at < other)
                {
                    (int from, int to) = _random.NextInt(2) == 0 ? (at, other) : (other, at);
                    yield return (_ring[from], _ring[to], false);
                }
            }
        }

        if (_ring.Count <= (2 * _perSide) + 1)
        {
            yield break; // all are neighbours of one another
        }

        _random.Shuffle(order);
        foreach ((int at, int to) in order.SelectMany(Fingers))
        {
            yield return (_ring[at], _ring[to], true);
        }
    }

    private IEnumerable<(int From, int To)> Fingers(int at)
    {
        int count = _ring.Count;
        Key extent = _ids[(at + _perSide) % count] - _ids[at];
        Key extentBack = _ids[at] - _ids[(at - _perSide + count) % count];
        for (int slot = SlotsPerSide - 1; slot > extent.HighestBit(); slot--)
        {
            if (Choose(at, slot, _ids[at] + Key.PowerOfTwo(slot)) is { } to)
            {
                yield return (at, to);
            }
        }

        for (int slot = SlotsPerSide - 1; slot > extentBack.HighestBit(); slot--)
        {
            Key first = _ids[at] - Key.PowerOfTwo(slot + 1) + new Key(0, 0, 0, 1);
            if (Choose(at, ~slot, first) is { } to)
            {
                yield return (at, to);
            }
        }
    }

    /// <summary>
    /// A random node with room of a slot that begins at an id; null where there is none or it is filled.
    /// </summary>
    private int? Choose(int at, int slot, Key first)
    {
        if (_filled.ContainsKey((at, slot)))
        {
            return null;
        }

        int count = _ring.Count;
        int low = IndexOf(first);
        int high = IndexOf(first + Key.PowerOfTwo(slot < 0 ? ~slot : slot));
        int inSlot = ((high - low) % count + count) % count;
        for (int choices = 0; choices < ChoicesMax && inSlot > 0; choices++)
        {
            int to = (low + _random.NextInt(inSlot)) % count;
            int links = _filled.GetValueOrDefault((to, ~slot));
            if (links < FingerTable.PerSlotMax)
            {
                _filled[(to, ~slot)] = links + 1;
                _filled[(at, slot)] = 1;
                return to;
            }
        }

        return null;
    }

    private int IndexOf(Key first)
    {
        int at = Array.BinarySearch(_ids, first);
        return at < 0 ? ~at : at;
    }
}
