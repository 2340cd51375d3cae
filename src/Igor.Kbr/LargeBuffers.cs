using System.Buffers;

namespace Igor.Kbr;

/// <summary>
/// Pooled buffers for payloads. Small ones come from the pool of all; of the large ones only so many are kept
/// that a burst of them leaves a few MiB behind, and not what it held at its peak: the shared pool keeps
/// dozens of each size for each processor.
/// </summary>
public static class LargeBuffers
{
    private const int SharedBytesMax = 64 * 1024;
    private const int PooledBytesMax = 2 * 1024 * 1024; // the largest record and its frame
    private const int KeptPerSize = 6;

    private static readonly ArrayPool<byte> Large = ArrayPool<byte>.Create(PooledBytesMax, KeptPerSize);

    /// <summary>A buffer of at least that many bytes.</summary>
    public static byte[] Rent(int bytes) =>
        bytes <= SharedBytesMax ? ArrayPool<byte>.Shared.Rent(bytes) : Large.Rent(bytes);

    /// <summary>Gives a buffer back, or leaves it to the garbage collector.</summary>
    public static void Return(byte[] buffer)
    {
        if (buffer.Length <= SharedBytesMax)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        else if (buffer.Length <= PooledBytesMax)
        {
            Large.Return(buffer);
        }
    }
}
