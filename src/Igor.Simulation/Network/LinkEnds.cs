using Igor.Kbr.Overlay.Machines;

namespace Igor.Simulation.Network;

/// <summary>All ends of links in the network, by the names that the nodes know them by.</summary>
internal sealed class LinkEnds
{
    private readonly List<LinkEnd?> _ends = [];
    private readonly Stack<int> _free = [];
    private long _lastName;

    /// <summary>Names a new end; a name never comes again.</summary>
    public LinkEnd Add(NodeProcess process, TimeSpan oneWay)
    {
        if (!_free.TryPop(out int place))
        {
            place = _ends.Count;
            _ends.Add(null);
        }

        var end = new LinkEnd(new LinkId((++_lastName << 32) | (uint)place), process)
        {
            OneWay = oneWay.Ticks,
        };
        _ends[place] = end;
        return end;
    }

    /// <summary>An end by its name; null when it is there no more.</summary>
    public LinkEnd? Find(LinkId link)
    {
        int place = (int)link.Value;
        return (uint)place < (uint)_ends.Count && _ends[place] is { } end && end.Id == link ? end : null;
    }

    /// <summary>Nobody will ask for an end any more.</summary>
    public void Remove(LinkEnd end)
    {
        if (Find(end.Id) is not null)
        {
            int place = (int)end.Id.Value;
            _ends[place] = null;
            _free.Push(place);
        }
    }
}
