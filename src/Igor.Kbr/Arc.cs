namespace Igor.Kbr;

/// <summary>
/// A piece of the ring: the keys met when going clockwise from <see cref="Start"/> (included) to
/// <see cref="End"/> (excluded). Equal ends mean the whole ring; an empty arc is never represented (null is).
/// </summary>
public readonly record struct Arc(Key Start, Key End)
{
    /// <summary>The whole ring.</summary>
    public static Arc Whole => default;

    /// <summary>Whether this is the whole ring.</summary>
    public bool IsWhole => Start == End;

    /// <summary>The number of keys in the arc, or 0 for the whole ring (2^256 does not fit).</summary>
    public Key Length => End - Start;

    /// <summary>Whether the key lies in the arc.</summary>
    public bool Contains(Key key) => IsWhole || key - Start < End - Start;
}
