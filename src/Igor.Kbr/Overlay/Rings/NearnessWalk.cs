using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// Goes through members from the nearest to a key to the farthest: two fingers in the sorted list move apart
/// from the key's place, and the one that is nearer is next. Allocates nothing; whoever stops early has paid
/// for what it saw only. The list must not change meanwhile.
/// </summary>
internal struct NearnessWalk(List<Peer> sorted, Key key, int place)
{
    private int _clockwise; // taken on this side
    private int _counterClockwise;

    public Peer Current { get; private set; } = null!;

    public readonly NearnessWalk GetEnumerator() => this;

    public bool MoveNext()
    {
        int count = sorted.Count;
        if (_clockwise + _counterClockwise == count)
        {
            return false;
        }

        int ahead = place + _clockwise;
        int behind = place - 1 - _counterClockwise;
        Peer next = sorted[ahead < count ? ahead : ahead - count];
        Peer previous = sorted[behind >= 0 ? behind : behind + count];

        // Of two that are equally far the one clockwise of the key is nearer.
        if (next.Id - key <= key - previous.Id)
        {
            _clockwise++;
            Current = next;
        }
        else
        {
            _counterClockwise++;
            Current = previous;
        }

        return true;
    }
}
