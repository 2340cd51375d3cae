using Igor.Kbr;

namespace Igor.Dht.Protocol.Ring;

/// <summary>
/// A set of keys made of arcs. Kept as disjoint spans on the line from the smallest key to the largest, so an
/// arc that passes the key 0 is two of them.
/// </summary>
internal sealed class ArcSet
{
    private List<KeySpan> _spans = [];

    /// <summary>Whether no key is in the set.</summary>
    public bool IsEmpty => _spans.Count == 0;

    /// <summary>The spans, in order, neither overlapping nor adjacent.</summary>
    public IReadOnlyList<KeySpan> Spans => _spans;

    /// <summary>So many empty ones.</summary>
    public static ArcSet[] OfEach(int count) => [.. Enumerable.Range(0, count).Select(_ => new ArcSet())];

    /// <summary>A set of one arc.</summary>
    public static ArcSet Of(Arc arc)
    {
        var set = new ArcSet();
        set.Add(arc);
        return set;
    }

    /// <summary>A set with the same keys.</summary>
    public ArcSet Copy() => new() { _spans = [.. _spans] };

    /// <summary>The arcs of the set.</summary>
    public IEnumerable<Arc> Arcs()
    {
        foreach (KeySpan span in _spans)
        {
            yield return span.ToArc();
        }
    }

    /// <summary>Whether a key is in the set.</summary>
    public bool Contains(Key key)
    {
        int low = 0;
        int high = _spans.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            KeySpan span = _spans[middle];
            if (key < span.First)
            {
                high = middle - 1;
            }
            else if (key > span.Last)
            {
                low = middle + 1;
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether every key of an arc is in the set.</summary>
    public bool Covers(Arc arc)
    {
        ArcSet rest = Of(arc);
        rest.Remove(this);
        return rest.IsEmpty;
    }

    /// <summary>Adds the keys of an arc.</summary>
    public void Add(Arc arc)
    {
        foreach (KeySpan span in KeySpan.Of(arc))
        {
            _spans.Add(span);
        }

        Normalise();
    }

    /// <summary>Adds the keys of another set.</summary>
    public void Add(ArcSet other)
    {
        if (!other.IsEmpty)
        {
            _spans.AddRange(other._spans);
            Normalise();
        }
    }

    /// <summary>Takes the keys of another set out.</summary>
    public void Remove(ArcSet other)
    {
        if (IsEmpty || other.IsEmpty)
        {
            return;
        }

        var rest = new List<KeySpan>(_spans.Count + other._spans.Count);
        foreach (KeySpan span in _spans)
        {
            Subtract(span, other._spans, rest);
        }

        _spans = rest;
    }

    /// <summary>Takes the keys of an arc out.</summary>
    public void Remove(Arc arc) => Remove(Of(arc));

    /// <summary>Keeps only keys that are in the arc as well; none when there is no arc.</summary>
    public void Keep(Arc? arc)
    {
        if (arc is null)
        {
            Clear();
        }
        else if (!arc.Value.IsWhole)
        {
            Keep(Of(arc.Value));
        }
    }

    /// <summary>Keeps only keys that are in the other set as well.</summary>
    public void Keep(ArcSet other)
    {
        var both = new List<KeySpan>();
        int left = 0;
        int right = 0;
        while (left < _spans.Count && right < other._spans.Count)
        {
            KeySpan a = _spans[left];
            KeySpan b = other._spans[right];
            Key first = a.First > b.First ? a.First : b.First;
            Key last = a.Last < b.Last ? a.Last : b.Last;
            if (first <= last)
            {
                both.Add(new KeySpan(first, last));
            }

            if (a.Last <= b.Last)
            {
                left++;
            }
            else
            {
                right++;
            }
        }

        _spans = both;
    }

    /// <summary>Adds the first key of each span, and the first one after it.</summary>
    public void AddEnds(List<Key> points)
    {
        foreach (KeySpan span in _spans)
        {
            points.Add(span.First);
            points.Add(span.Last + KeySpan.One);
        }
    }

    /// <summary>Takes all keys out.</summary>
    public void Clear() => _spans = [];

    private static void Subtract(KeySpan span, List<KeySpan> others, List<KeySpan> rest)
    {
        Key first = span.First;
        foreach (KeySpan other in others)
        {
            if (other.Last < first)
            {
                continue;
            }

            if (other.First > span.Last)
            {
                break;
            }

            if (other.First > first)
            {
                rest.Add(new KeySpan(first, other.First - KeySpan.One));
            }

            if (other.Last >= span.Last)
            {
                return;
            }

            first = other.Last + KeySpan.One;
        }

        rest.Add(new KeySpan(first, span.Last));
    }

    private void Normalise()
    {
        _spans.Sort(static (a, b) => a.First.CompareTo(b.First));
        int kept = 0;
        for (int at = 1; at < _spans.Count; at++)
        {
            KeySpan current = _spans[kept];
            KeySpan next = _spans[at];
            if (current.Last == Key.Max || next.First <= current.Last + KeySpan.One)
            {
                _spans[kept] =
                    new KeySpan(current.First, next.Last > current.Last ? next.Last : current.Last);
            }
            else
            {
                _spans[++kept] = next;
            }
        }

        if (_spans.Count > 0)
        {
            _spans.RemoveRange(kept + 1, _spans.Count - kept - 1);
        }
    }
}
