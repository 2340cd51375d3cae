using System.Globalization;

namespace Igor.EndToEnd.Processes;

/// <summary>What is in the memory of a running process (Linux; one that this process started).</summary>
internal static class ProcessMemory
{
    private const int ChunkBytes = 1024 * 1024;

    /// <summary>Whether some bytes are anywhere in the memory that the process can write to.</summary>
    public static bool Contains(int process, ReadOnlySpan<byte> bytes)
    {
        string path = $"/proc/{process}/mem";
        using FileStream memory = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0);
        byte[] chunk = new byte[ChunkBytes + bytes.Length];
        foreach (string region in File.ReadLines($"/proc/{process}/maps"))
        {
            string[] fields = region.Split(' ');
            if (!fields[1].StartsWith("rw", StringComparison.Ordinal))
            {
                continue;
            }

            string[] bounds = fields[0].Split('-');
            long end = Address(bounds[1]);
            for (long at = Address(bounds[0]); at < end; at += ChunkBytes)
            {
                int read = Read(memory, at, chunk.AsSpan(0, (int)Math.Min(chunk.Length, end - at)));
                if (chunk.AsSpan(0, read).IndexOf(bytes) >= 0)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static long Address(string text) =>
        long.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static int Read(FileStream memory, long at, Span<byte> to)
    {
        try
        {
            return RandomAccess.Read(memory.SafeFileHandle, to, at);
        }
        catch (IOException)
        {
            return 0; // a guard page, or unmapped meanwhile
        }
    }
}
