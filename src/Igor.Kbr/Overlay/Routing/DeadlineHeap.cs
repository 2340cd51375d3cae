namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// The requests that wait, by their deadlines: a binary heap in which each entry knows its place, so that one
/// whose reply came is taken out at once.
/// </summary>
internal sealed class DeadlineHeap
{
    private readonly List<Pending> _heap = [];
    private long _order;

    /// <summary>The entries, in a fixed order.</summary>
    public IReadOnlyList<Pending> All => _heap;

    public Pending? First => _heap.Count > 0 ? _heap[0] : null;

    /// <summary>Takes an entry in, or to its new place after its deadline changed.</summary>
    public void Put(Pending entry)
    {
        entry.Order = _order++;
        if (entry.Place < 0)
        {
            entry.Place = _heap.Count;
            _heap.Add(entry);
        }

        Sift(entry.Place, entry);
    }

    public void Remove(Pending entry)
    {
        int place = entry.Place;
        entry.Place = -1;
        Pending last = _heap[^1];
        _heap.RemoveAt(_heap.Count - 1);
        if (last != entry)
        {
            Sift(place, last);
        }
    }

    private static bool IsBefore(Pending a, Pending b) =>
        a.Deadline != b.Deadline ? a.Deadline < b.Deadline : a.Order < b.Order;

    /// <summary>Moves an entry from a place up or down to where it belongs.</summary>
    private void Sift(int place, Pending entry)
    {
        while (place > 0 && IsBefore(entry, _heap[(place - 1) / 2]))
        {
            Set(place, _heap[(place - 1) / 2]);
            place = (place - 1) / 2;
        }

        for (int child = (2 * place) + 1; child < _heap.Count; child = (2 * place) + 1)
        {
            child += child + 1 < _heap.Count && IsBefore(_heap[child + 1], _heap[child]) ? 1 : 0;
            if (IsBefore(entry, _heap[child]))
            {
                break;
            }

            Set(place, _heap[child]);
            place = child;
        }

        Set(place, entry);
    }

    private void Set(int place, Pending entry)
    {
        _heap[place] = entry;
        entry.Place = place;
    }
}
