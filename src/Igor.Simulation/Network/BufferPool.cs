using System.Numerics;

namespace Igor.Simulation.Network;

/// <summary>
/// Buffers for what is on its way, by powers of two. One thread uses it, thousands of buffers are out at once
/// and all come back, which is why none is ever dropped; large ones are left to the garbage collector.
/// </summary>
internal sealed class BufferPool
{
    private const int SmallestBits = 6;
    private const int LargestBits = 16;
    private readonly Stack<byte[]>[] _free =
        [.. Enumerable.Range(SmallestBits, LargestBits - SmallestBits + 1).Select(_ => new Stack<byte[]>())];

    /// <summary>A buffer of at least that many bytes, with any content.</summary>
    public byte[] Rent(int bytes)
    {
        int bits = bytes <= 1 << SmallestBits ? SmallestBits : BitOperations.Log2((uint)bytes - 1) + 1;
        if (bits > LargestBits)
        {
            return new byte[bytes];
        }

        return _free[bits - SmallestBits].TryPop(out byte[]? buffer) ? buffer : new byte[1 << bits];
    }

    /// <summary>Takes a buffer back.</summary>
    public void Return(byte[] buffer)
    {
        int bits = BitOperations.Log2((uint)buffer.Length);
        if (bits <= LargestBits && buffer.Length == 1 << bits)
        {
            _free[bits - SmallestBits].Push(buffer);
        }
    }
}
