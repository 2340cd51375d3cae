namespace Igor.EndToEnd.Disks;

/// <summary>The files of a node's record store, and ways to damage them.</summary>
internal static class StoreFiles
{
    /// <summary>The hints, of which the index in memory is made; there is at least one.</summary>
    public static IReadOnlyList<string> Hints(string data)
    {
        string[] hints = Directory.GetFiles(data, "*.hint", SearchOption.AllDirectories);
        Assert.NotEmpty(hints);
        return hints;
    }

    /// <summary>The segments, oldest first.</summary>
    public static IReadOnlyList<string> Segments(string data) =>
        [.. Directory.GetFiles(data, "*.seg", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    /// <summary>Cuts a file.</summary>
    public static void Cut(string path, double keptShare)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
        file.SetLength((long)(file.Length * keptShare));
    }

    /// <summary>Flips one bit.</summary>
    public static void FlipBit(string path, long offset)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = offset;
        int value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 0x10));
    }

    /// <summary>Flips one bit in every so many bytes.</summary>
    public static void FlipBits(string path, int distance)
    {
        for (long offset = distance / 2; offset < new FileInfo(path).Length; offset += distance)
        {
            FlipBit(path, offset);
        }
    }

    /// <summary>Where some bytes are in a file.</summary>
    public static long Find(string path, ReadOnlySpan<byte> bytes)
    {
        int offset = File.ReadAllBytes(path).AsSpan().IndexOf(bytes);
        Assert.True(offset >= 0, $"{path} does not hold the bytes that are looked for");
        return offset;
    }
}
