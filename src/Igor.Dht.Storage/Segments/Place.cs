namespace Igor.Dht.Storage.Segments;

/// <summary>
/// Where an entry lies: its segment, the offset of its header there, and the length of its body.
/// </summary>
internal readonly record struct Place(int Segment, long Offset, int BodyLength)
{
    /// <summary>Bytes that the entry takes on disk: header, body and padding.</summary>
    public int EntryBytes => SegmentCodec.EntryBytes(BodyLength);

    /// <summary>Offset of the first byte after the entry.</summary>
    public long End => Offset + EntryBytes;

    /// <summary>Whether both name the same entry.</summary>
    public bool IsSameSpot(Place other) => Segment == other.Segment && Offset == other.Offset;
}

/// <summary>
/// A point in the log: everything in earlier segments and before the offset lies before it.
/// </summary>
internal readonly record struct LogPosition(int Segment, long Offset) : IComparable<LogPosition>
{
    /// <inheritdoc/>
    public int CompareTo(LogPosition other) =>
        Segment != other.Segment ? Segment.CompareTo(other.Segment) : Offset.CompareTo(other.Offset);
}
