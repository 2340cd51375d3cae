using System.Buffers;
using MessagePack;

namespace Igor.Dht.Protocol.Records;

/// <summary>
/// A value that is to become a record. It is copied once, when the draft is made, behind room for the header,
/// which is written when the version is known, and again when that must be another.
/// </summary>
public sealed class RecordDraft : IBufferWriter<byte>
{
    /// <summary>The longest name of a type and all other fields at their largest take some 200.</summary>
    private const int HeaderBytesMax = 256;

    private readonly byte[] _bytes;
    private int _headerBytes;

    /// <summary>Copies a value, which may change from then on.</summary>
    public RecordDraft(ReadOnlySpan<byte> value)
    {
        _bytes = new byte[HeaderBytesMax + value.Length];
        value.CopyTo(_bytes.AsSpan(HeaderBytesMax));
    }

    /// <summary>Length of the value, in bytes.</summary>
    public int ValueLength => _bytes.Length - HeaderBytesMax;

    /// <summary>
    /// The record with that header. It stands in the draft's memory: one that was made of it before is none
    /// any more.
    /// </summary>
    public Record Make(RecordHeader header)
    {
        ArgumentNullException.ThrowIfNull(header);
        _headerBytes = 0;
        var writer = new MessagePackWriter(this);
        RecordCodec.WriteHeader(ref writer, header, ValueLength);
        writer.Flush();
        int start = HeaderBytesMax - _headerBytes;
        _bytes.AsSpan(0, _headerBytes).CopyTo(_bytes.AsSpan(start)); // from the front to before the value
        return new Record(header with { ValueLength = ValueLength }, _bytes.AsMemory(start));
    }

    void IBufferWriter<byte>.Advance(int count) => _headerBytes += count;

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint) =>
        _bytes.AsMemory(_headerBytes, HeaderBytesMax - _headerBytes);

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint) =>
        _bytes.AsSpan(_headerBytes, HeaderBytesMax - _headerBytes);
}
