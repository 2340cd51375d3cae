using System.Buffers;

namespace Igor.Kbr;

/// <summary>
/// The bytes of a message in a pooled buffer. It is passed on from whoever writes them towards where they are
/// sent, and not copied on the way: each who needs it longer than a call holds it, and the buffer goes back
/// when the last has let go. Bytes that were handed on are not changed. Not thread-safe but for holding and
/// letting go.
/// </summary>
public sealed class PooledPayload : IBufferWriter<byte>
{
    private byte[]? _buffer;
    private volatile int _holders = 1;

    /// <summary>An empty one, which the caller holds, with room for so many bytes; it grows.</summary>
    public PooledPayload(int bytes = 256) => _buffer = LargeBuffers.Rent(bytes);

    /// <summary>Number of bytes.</summary>
    public int Length { get; private set; }

    /// <summary>The bytes.</summary>
    /// <exception cref="ObjectDisposedException">The last holder has let go.</exception>
    public ReadOnlyMemory<byte> Memory => Buffer.AsMemory(0, Length);

    private byte[] Buffer => _buffer ?? throw new ObjectDisposedException(nameof(PooledPayload));

    /// <summary>A copy of bytes; the caller holds it.</summary>
    public static PooledPayload Of(ReadOnlySpan<byte> bytes)
    {
        var payload = new PooledPayload(bytes.Length);
        bytes.CopyTo(payload.Buffer);
        payload.Length = bytes.Length;
        return payload;
    }

    /// <summary>One more holder.</summary>
    public PooledPayload Hold()
    {
        Interlocked.Increment(ref _holders);
        return this;
    }

    /// <summary>A holder lets go, and does not touch it any more.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            LargeBuffers.Return(Buffer);
            _buffer = null;
        }
    }

    /// <summary>Empties it for other bytes, if nobody but the caller holds it and it is not large.</summary>
    public bool TryClear(int bytesMax)
    {
        bool isFree = _holders == 1 && Buffer.Length <= bytesMax;
        Length = isFree ? 0 : Length;
        return isFree;
    }

    /// <inheritdoc/>
    public void Advance(int count) => Length += count;

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        int needed = Length + Math.Max(sizeHint, 1);
        if (needed > Buffer.Length)
        {
            byte[] larger = LargeBuffers.Rent(Math.Max(needed, Length * 2));
            Memory.CopyTo(larger);
            LargeBuffers.Return(Buffer);
            _buffer = larger;
        }

        return Buffer.AsMemory(Length);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
}
