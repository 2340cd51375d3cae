namespace Igor.Dht.Protocol.Records;

/// <summary>
/// Orders the versions of a record: the larger one wins wherever two meet, so that replicas agree whatever
/// the order in which they hear of them.
/// </summary>
/// <param name="Clock">
/// A hybrid logical clock (Kulkarni et al., 2014): milliseconds since 1970 in the upper 48 bits, a counter in
/// the lower 16.
/// </param>
/// <param name="Writer">Tells writers apart that made the same clock value.</param>
public readonly record struct RecordVersion(ulong Clock, ulong Writer) : IComparable<RecordVersion>
{
    /// <summary>The version of a record that does not exist; smaller than every other.</summary>
    public static RecordVersion None => default;

    /// <inheritdoc/>
    public int CompareTo(RecordVersion other) =>
        Clock != other.Clock ? Clock.CompareTo(other.Clock) : Writer.CompareTo(other.Writer);

    /// <summary>Whether left is older.</summary>
    public static bool operator <(RecordVersion left, RecordVersion right) => left.CompareTo(right) < 0;

    /// <summary>Whether left is newer.</summary>
    public static bool operator >(RecordVersion left, RecordVersion right) => left.CompareTo(right) > 0;

    /// <summary>Whether left is older or the same.</summary>
    public static bool operator <=(RecordVersion left, RecordVersion right) => left.CompareTo(right) <= 0;

    /// <summary>Whether left is newer or the same.</summary>
    public static bool operator >=(RecordVersion left, RecordVersion right) => left.CompareTo(right) >= 0;

    /// <summary>Clock and writer in hexadecimal, as receipts show it.</summary>
    public override string ToString() => $"{Clock:x16}-{Writer:x16}";
}
