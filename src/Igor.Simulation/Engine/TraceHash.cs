using System.Numerics;

namespace Igor.Simulation.Engine;

/// <summary>
/// A running hash over everything that happened, in order: two runs with the same value did the same things.
/// A multiply-rotate mix in the manner of xxHash; it finds differences, it is no defence against anybody.
/// </summary>
internal struct TraceHash
{
    private const ulong Prime1 = 0x9E3779B185EBCA87;
    private const ulong Prime2 = 0xC2B2AE3D27D4EB4F;
    private ulong _state;

    public readonly ulong Value
    {
        get
        {
            ulong value = _state;
            value = (value ^ (value >> 33)) * Prime2;
            value = (value ^ (value >> 29)) * Prime1;
            return value ^ (value >> 32);
        }
    }

    public void Add(ulong word) => _state = BitOperations.RotateLeft((_state ^ (word * Prime2)) * Prime1, 31);
}
