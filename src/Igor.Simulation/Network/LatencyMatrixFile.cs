using System.Globalization;
using System.IO.Compression;

namespace Igor.Simulation.Network;

/// <summary>
/// Reads measured round-trip times: a text file, perhaps compressed with gzip, of n lines with n numbers
/// each, in milliseconds; row i, column j is the time from host i to host j and back.
/// </summary>
public static class LatencyMatrixFile
{
    private const int SitesMax = 10_000;

    /// <summary>Reads a matrix.</summary>
    /// <exception cref="InvalidDataException">The file is no such matrix; the message says where.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static SiteLatency Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using FileStream file = File.OpenRead(path);
        bool isCompressed = file.ReadByte() == 0x1f && file.ReadByte() == 0x8b;
        file.Position = 0;
        using Stream stream = isCompressed ? new GZipStream(file, CompressionMode.Decompress) : file;
        using var reader = new StreamReader(stream);
        return new SiteLatency("matrix " + Path.GetFileName(path), ReadRows(reader, path));
    }

    private static float[][] ReadRows(StreamReader reader, string path)
    {
        var rows = new List<float[]>();
        while (reader.ReadLine() is { } line)
        {
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            float[] row = ReadRow(line, path, rows.Count + 1);
            if (row.Length > SitesMax || (rows.Count > 0 && row.Length != rows[0].Length))
            {
                throw new InvalidDataException(
                    $"{path}: line {rows.Count + 1} has {row.Length} numbers, expected {rows[0].Length}.");
            }

            rows.Add(row);
        }

        if (rows.Count == 0 || rows.Count != rows[0].Length)
        {
            throw new InvalidDataException(
                $"{path}: a latency matrix has as many lines as numbers in a line.");
        }

        return [.. rows];
    }

    private static float[] ReadRow(string line, string path, int number)
    {
        string[] fields = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var row = new float[fields.Length];
        for (int i = 0; i < fields.Length; i++)
        {
            if (!float.TryParse(fields[i], NumberStyles.Float, CultureInfo.InvariantCulture, out row[i])
                || !float.IsFinite(row[i])
                || row[i] < 0)
            {
                throw new InvalidDataException(
                    $"{path}: line {number}: '{fields[i]}' is no time in milliseconds.");
            }
        }

        return row;
    }
}
