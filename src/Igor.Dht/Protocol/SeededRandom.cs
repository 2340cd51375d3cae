namespace Igor.Dht.Protocol;

/// <summary>The only source of randomness of a node (SplitMix64: Steele et al., OOPSLA'14).</summary>
internal sealed class SeededRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>64 random bits.</summary>
    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>A time between the two, the first included.</summary>
    public TimeSpan Between(TimeSpan least, TimeSpan most)
    {
        double share = (Next() >> 11) * (1.0 / (1UL << 53));
        return least + ((most - least) * share);
    }

    /// <summary>A time around the given one, up to a fifth off.</summary>
    public TimeSpan Around(TimeSpan mean) => Between(mean * 0.8, mean * 1.2);
}
