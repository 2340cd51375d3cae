using System.Text;
using Igor.Kbr;

namespace Igor.Simulation.Engine;

/// <summary>
/// The generator of a simulation: <see cref="SeededRandom"/>, and what experiments draw from it. One
/// generator serves one purpose; <see cref="For"/> derives another, so that drawing more numbers for one
/// purpose changes no other.
/// </summary>
/// <param name="seed">The same seed gives the same numbers, on every platform and version.</param>
public sealed class SimRandom(ulong seed)
{
    private readonly SeededRandom _bits = new(seed);

    /// <summary>A generator for a purpose, independent of how much was drawn from this one.</summary>
    public SimRandom For(string purpose)
    {
        var hash = new TraceHash();
        foreach (byte b in Encoding.UTF8.GetBytes(purpose))
        {
            hash.Add(b);
        }

        return new SimRandom(new SeededRandom(seed ^ hash.Value).NextUInt64());
    }

    /// <summary>64 random bits.</summary>
    public ulong NextUInt64() => _bits.NextUInt64();

    /// <summary>A number from 0 to <paramref name="end"/>, the end excluded.</summary>
    public int NextInt(int end) => _bits.Next(end);

    /// <summary>A number from 0 (included) to 1 (excluded).</summary>
    public double NextDouble() => _bits.NextDouble();

    /// <summary>A number between two bounds.</summary>
    public double Between(double low, double high) => low + ((high - low) * NextDouble());

    /// <summary>A time between two bounds.</summary>
    public TimeSpan Between(TimeSpan low, TimeSpan high) => _bits.Between(low, high);

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
}
