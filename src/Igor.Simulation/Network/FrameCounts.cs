using Igor.Kbr.Wire;

namespace Igor.Simulation.Network;

/// <summary>How many frames of each type were sent, and their bytes with the length before them.</summary>
internal sealed class FrameCounts
{
    private const int TypesMax = 32;
    private const int LengthBytes = 4;

    private readonly (long Frames, long Bytes)[] _counts = new (long, long)[TypesMax];

    /// <summary>The types that were sent.</summary>
    public IEnumerable<MessageType> Types => Enumerable.Range(0, TypesMax)
        .Where(type => _counts[type].Frames > 0)
        .Select(type => (MessageType)type);

    /// <summary>Counts a frame by the type that it begins with.</summary>
    public void Add(ReadOnlySpan<byte> header, int length)
    {
        int type = header.Length > 1 && header[1] < TypesMax ? header[1] : 0;
        _counts[type].Frames++;
        _counts[type].Bytes += LengthBytes + length;
    }

    /// <summary>What was sent of a type.</summary>
    public (long Frames, long Bytes) Of(MessageType type) => _counts[(int)type];

    /// <summary>The counts as they are now.</summary>
    public FrameCounts Copy()
    {
        var copy = new FrameCounts();
        _counts.CopyTo(copy._counts, 0);
        return copy;
    }
}
