using System.Text.Json;
using System.Text.Json.Serialization;

namespace Igor.Trial.Judging;

/// <summary>What clients saw, a line of JSON for each call.</summary>
internal static class HistoryFile
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    public static void Append(string path, IEnumerable<HistoryEntry> entries) =>
        File.AppendAllLines(path, entries.Select(entry => JsonSerializer.Serialize(entry, s_json)));

    /// <exception cref="TrialException">It cannot be read, or is no such file.</exception>
    public static List<HistoryEntry> Read(string path)
    {
        try
        {
            return [.. File.ReadLines(path).Select(
                line => JsonSerializer.Deserialize<HistoryEntry>(line, s_json)
                    ?? throw new JsonException("a line is null"))];
        }
        catch (Exception problem) when (
            problem is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new TrialException($"{path} is no history that can be read: {problem.Message}", problem);
        }
    }
}
