using System.Buffers;
using System.Buffers.Binary;
using Igor.Kbr;

namespace Igor.Local.Protocol;

/// <summary>
/// Frames on their way out, one behind the other in one pooled buffer that grows up to a bound.
/// </summary>
internal sealed class FrameBuffer : IBufferWriter<byte>, IDisposable
{
    private const int KeptBytesMax = 256 * 1024; // a burst's buffer goes back to the pool

    private byte[] _bytes = [];
    private int _length;

    /// <summary>The frames.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    /// <summary>Number of bytes.</summary>
    public int Length => _length;

    /// <summary>Adds a frame with its length in front; false, with nothing added, beyond the bound.</summary>
    public bool TryAppend(LocalFrame frame, int lengthMax)
    {
        int start = _length;
        GetSpan(LocalProtocol.LengthBytes);
        Advance(LocalProtocol.LengthBytes);
        LocalFrameWriter.Write(this, frame);
        if (_length > lengthMax)
        {
            _length = start;
            return false;
        }

        int bodyLength = _length - start - LocalProtocol.LengthBytes;
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(start), bodyLength);
        return true;
    }

    /// <summary>Empties the buffer.</summary>
    public void Clear()
    {
        _length = 0;
        if (_bytes.Length > KeptBytesMax)
        {
            Dispose();
        }
    }

    /// <inheritdoc/>
    public void Advance(int count) => _length += count;

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(_length);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsSpan(_length);
    }

    /// <summary>Gives the buffer back to the pool; the object can be used on.</summary>
    public void Dispose()
    {
        if (_bytes.Length > 0)
        {
            LargeBuffers.Return(_bytes);
        }

        _bytes = [];
        _length = 0;
    }

    private void Reserve(int count)
    {
        if (_bytes.Length - _length >= count)
        {
            return;
        }

        byte[] larger = LargeBuffers.Rent(
            Math.Max(Math.Max(_bytes.Length * 2, _length + count), 4096));
        _bytes.AsSpan(0, _length).CopyTo(larger);
        if (_bytes.Length > 0)
        {
            LargeBuffers.Return(_bytes);
        }

        _bytes = larger;
    }
}
