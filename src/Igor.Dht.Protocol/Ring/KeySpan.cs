using Igor.Kbr;

namespace Igor.Dht.Protocol.Ring;

/// <summary>Keys from a first to a last one, both included, that do not pass the key 0.</summary>
/// <param name="First">The first key.</param>
/// <param name="Last">The last key.</param>
public readonly record struct KeySpan(Key First, Key Last)
{
    /// <summary>The key 1: the distance between two keys that follow one another.</summary>
    public static readonly Key One = new(0, 0, 0, 1);

    /// <summary>The one or two spans of an arc, in the order in which going clockwise meets them.</summary>
    public static IEnumerable<KeySpan> Of(Arc arc)
    {
        Key last = arc.End - One;
        if (arc.Start <= last)
        {
            yield return new KeySpan(arc.Start, last);
        }
        else
        {
            yield return new KeySpan(arc.Start, Key.Max);
            yield return new KeySpan(Key.Zero, last);
        }
    }

    /// <summary>The span as an arc.</summary>
    public Arc ToArc() => new(First, Last + One);
}
