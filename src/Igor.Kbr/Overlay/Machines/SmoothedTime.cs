namespace Igor.Kbr.Overlay.Machines;

/// <summary>A time that is measured again and again: its smoothed mean and variation (RFC 6298).</summary>
internal struct SmoothedTime
{
    /// <summary>Null before the first sample.</summary>
    public TimeSpan? Mean { get; private set; }

    public TimeSpan Variation { get; private set; }

    public void Add(TimeSpan sample)
    {
        if (Mean is not { } mean)
        {
            Mean = sample;
            Variation = sample / 2;
            return;
        }

        TimeSpan difference = (sample - mean).Duration();
        Mean = mean + ((sample - mean) / 8);
        Variation += (difference - Variation) / 4;
    }
}
