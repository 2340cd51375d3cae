namespace Igor.Dht.Storage.Hints;

/// <summary>A hint turned out to be damaged while it was read: its segment has to be read instead.</summary>
internal sealed class HintDamagedException(int segment)
    : Exception($"The hint of segment {segment} is damaged.")
{
    /// <summary>The segment.</summary>
    public int Segment { get; } = segment;
}
