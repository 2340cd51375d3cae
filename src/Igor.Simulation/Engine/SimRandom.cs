using System.Numerics;
using System.Text;

namespace Igor.Simulation;

/// <summary>
/// The generator of a simulation: xoshiro256** (Blackman and Vigna, 2018), seeded by SplitMix64. It is the
/// project's own because a seed must give the same run on every version of the runtime. One generator serves
/// one purpose;
/// <see cref="For"/> derives another, so that drawing more numbers for one purpose changes no other.
/// </summary>
public sealed class SimRandom
{
    private readonly ulong _seed;
    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    /// <summary>Makes a generator; the same seed gives the same numbers.</summary>
    public SimRandom(ulong seed)
    {
        _seed = seed;
        _s0 = SplitMix(ref seed);
        _s1 = SplitMix(ref seed);
        _s2 = SplitMix(ref seed);
        _s3 = SplitMix(ref seed);
    }

    /// <summary>A generator for a purpose, independent of how much was drawn from this one.</summary>
    public SimRandom For(string purpose)
    {
        var hash = new TraceHash();
        foreach (byte b in Encoding.UTF8.GetBytes(purpose))
        {
            hash.Add(b);
        }

        ulong state = _seed ^ hash.Value;
        return new SimRandom(SplitMix(ref state));
    }

    /// <summary>64 random bits.</summary>
    public ulong NextUInt64()
    {
        ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        ulong shifted = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= shifted;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>A number from 0 to <paramref name="end"/>, the end excluded.</summary>
    public int NextInt(int end)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(end, 1);
        return (int)(((UInt128)NextUInt64() * (uint)end) >> 64);
    }

    /// <summary>A number from 0 (included) to 1 (excluded).</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A number between two bounds.</summary>
    public double Between(double low, double high) => low + ((high - low) * NextDouble());

    /// <summary>A time between two bounds.</summary>
    public TimeSpan Between(TimeSpan low, TimeSpan high) =>
        new(low.Ticks + (long)((high.Ticks - low.Ticks) * NextDouble()));

    /// <summary>An exponentially distributed number with that mean.</summary>
    public double Exponential(double mean) => -mean * Math.Log(1 - NextDouble());

    /// <summary>Fills a span.</summary>
    public void Fill(Span<byte> target)
    {
        for (int i = 0; i < target.Length; i++)
        {
            target[i] = (byte)(NextUInt64() >> 56);
        }
    }

    /// <summary>Puts a list into random order (Fisher and Yates).</summary>
    public void Shuffle<T>(IList<T> list)
    {
        ArgumentNullException.ThrowIfNull(list);
        for (int i = list.Count - 1; i > 0; i--)
        {
            int j = NextInt(i + 1);
            (list[i], list[j]) = (list[j], list[i]);
        }
    }

    /// <summary>Some of the items, each at most once, in random order.</summary>
    public List<T> Sample<T>(IEnumerable<T> items, int count)
    {
        var pool = items.ToList();
        Shuffle(pool);
        if (pool.Count > count)
        {
            pool.RemoveRange(count, pool.Count - count);
        }

        return pool;
    }

    private static ulong SplitMix(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        ulong z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
