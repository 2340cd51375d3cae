using System.Buffers;

// Walks a segment from front to back. What is no entry is skipped to the next intact header, so that damage
// costs only the entries that it hit. What the disk cannot read is no entry either.

namespace Igor.Dht.Storage.Segments;

/// <summary>An entry met by a scan.</summary>
/// <param name="Header">Its header, which is intact.</param>
/// <param name="Place">Where it lies.</param>
/// <param name="Body">Its body, valid until the next step; empty when it is damaged.</param>
/// <param name="IsIntact">Whether the body has the checksum that the header says.</param>
internal readonly record struct ScannedEntry(
    EntryHeader Header, Place Place, ReadOnlyMemory<byte> Body, bool IsIntact);

/// <summary>Reads the entries of a segment one after the other.</summary>
internal sealed class SegmentScanner : IDisposable
{
    private const int WindowBytes = 256 * 1024;

    // What a disk loses at once: the sector of a modern one, and the page that the kernel reads.
    private const int BlockBytes = 4096;

    private readonly Segment _segment;
    private readonly long _to;
    private byte[] _window = ArrayPool<byte>.Shared.Rent(WindowBytes);
    private long _windowStart;
    private int _windowLength;
    private long _unreadableTo;

    /// <summary>Begins a scan of the entries between two offsets.</summary>
    public SegmentScanner(Segment segment, long from, long to)
    {
        _segment = segment;
        _to = to;
        Position = Math.Max(from, SegmentCodec.FileHeaderBytes);
        IntactEnd = Position;
    }

    /// <summary>Offset of the next byte to look at.</summary>
    public long Position { get; private set; }

    /// <summary>Offset after the last intact entry.</summary>
    public long IntactEnd { get; private set; }

    /// <summary>
    /// Stretches between intact entries that are none, a stretch before the end not counted.
    /// </summary>
    public int DamagedStretches { get; private set; }

    /// <summary>Whether the last entry seen was the seal.</summary>
    public bool IsSealed { get; private set; }

    /// <summary>Whether bytes after the last intact entry are no entry: torn or damaged.</summary>
    public bool HasBrokenTail => IntactEnd < _to;

    /// <summary>Whether the disk could not read some of what was scanned.</summary>
    public bool HasUnreadable => _unreadableTo > 0;

    /// <summary>
    /// Whether the disk could not read some of what follows the last intact entry, which may be whole then
    /// and not torn.
    /// </summary>
    public bool HasUnreadableTail => _unreadableTo > IntactEnd;

    /// <summary>Moves to the next entry with an intact header; false at the end.</summary>
    public bool TryNext(out ScannedEntry entry)
    {
        bool isSkipping = false;
        while (Position + SegmentCodec.HeaderBytes <= _to)
        {
            ReadOnlySpan<byte> bytes = View(Position, SegmentCodec.HeaderBytes);
            if (!SegmentCodec.TryReadHeader(bytes, _segment.Id, Position, out EntryHeader header))
            {
                isSkipping = true;
                Position += SegmentCodec.Alignment;
                continue;
            }

            DamagedStretches += isSkipping ? 1 : 0;
            entry = Take(header);
            return true;
        }

        entry = default;
        Position = _to;
        return false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_window);
        _window = [];
    }

    private ScannedEntry Take(EntryHeader header)
    {
        var place = new Place(_segment.Id, Position, header.BodyLength);
        int length = SegmentCodec.HeaderBytes + header.BodyLength;
        if (Position + length > _to || View(Position, length).Length < length)
        {
            Position = _to;
            return new ScannedEntry(header, place, default, IsIntact: false);
        }

        int at = (int)(Position - _windowStart) + SegmentCodec.HeaderBytes;
        ReadOnlyMemory<byte> body = _window.AsMemory(at, header.BodyLength);
        if (!SegmentCodec.IsIntact(header, body.Span))
        {
            // Only the header is trusted, so its length is: the next entry is looked for where this one ends.
            Position = place.End;
            return new ScannedEntry(header, place, default, IsIntact: false);
        }

        Position = place.End;
        IntactEnd = Math.Min(place.End, _to);
        IsSealed = header.Kind == EntryKind.Seal;
        return new ScannedEntry(header, place, body, IsIntact: true);
    }

    private ReadOnlySpan<byte> View(long offset, int count)
    {
        if (offset < _windowStart || offset + count > _windowStart + _windowLength)
        {
            if (count > _window.Length)
            {
                ArrayPool<byte>.Shared.Return(_window);
                _window = ArrayPool<byte>.Shared.Rent(count);
            }

            _windowStart = offset;
            _windowLength = 0;
            int wanted = (int)Math.Min(_window.Length, _to - offset);
            while (_windowLength < wanted)
            {
                int got = Fill(_window.AsSpan(_windowLength, wanted - _windowLength), offset + _windowLength);
                if (got == 0)
                {
                    break;
                }

                _windowLength += got;
            }
        }

        int available = (int)Math.Min(count, _windowStart + _windowLength - offset);
        return _window.AsSpan((int)(offset - _windowStart), Math.Max(available, 0));
    }

    private int Fill(Span<byte> destination, long offset)
    {
        try
        {
            return _segment.Read(destination, offset);
        }
        catch (IOException)
        {
            return FillByBlock(destination, offset);
        }
    }

    /// <summary>Reads block by block; one that cannot be read comes as zeros, which are no entry.</summary>
    private int FillByBlock(Span<byte> destination, long offset)
    {
        int filled = 0;
        int got = 1;
        while (filled < destination.Length && got > 0)
        {
            long at = offset + filled;
            int length = (int)Math.Min(BlockBytes - (at % BlockBytes), destination.Length - filled);
            Span<byte> block = destination.Slice(filled, length);
            try
            {
                got = _segment.Read(block, at);
            }
            catch (IOException)
            {
                block.Clear();
                got = length;
                _unreadableTo = at + length;
            }

            filled += got;
        }

        return filled;
    }
}
