using System.Globalization;
using System.Runtime.InteropServices;
using Igor.Trial.Calls;
using Igor.Trial.Lab;

namespace Igor.Trial;

/// <summary>What was done when and what came of it, as a page for people.</summary>
internal sealed class TrialTranscript
{
    private readonly TrialSettings _settings;
    private readonly TrialClock _clock;
    private readonly Lock _gate = new();
    private readonly List<TimeSpan> _recoveries = [];

    public TrialTranscript(TrialSettings settings, TrialClock clock)
    {
        _settings = settings;
        _clock = clock;
        string program = Tool.Run(settings.Program, "--version").Trim();
        File.WriteAllLines(settings.Transcript,
        [
            string.Create(
                CultureInfo.InvariantCulture,
                $"# {settings.Nodes} real nodes, {settings.Length.TotalMinutes:0.#} minutes of faults, seed "
                + $"{settings.Seed}"),
            string.Empty,
            $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC; {program}; {Environment.ProcessorCount} processors, "
            + $"{RuntimeInformation.OSDescription}; the trial itself on "
            + $"{RuntimeInformation.FrameworkDescription}.",
            string.Empty,
            "```text",
        ]);
    }

    public int Violations { get; private set; }

    public void Note(string text) => Write(text);

    public void Violation(string text)
    {
        Violations++;
        Write("WRONG " + text);
    }

    public void Recovered(TimeSpan took, string text)
    {
        _recoveries.Add(took);
        Write(text);
    }

    /// <summary>The figures at the end.</summary>
    public void End(EndCounts counts, int keys)
    {
        TimeSpan[] sorted = [.. _recoveries.Order()];
        string verdict = Violations == 0 ? "Nothing was wrong" : $"{Violations} things were wrong";
        File.AppendAllLines(_settings.Transcript,
        [
            "```",
            string.Empty,
            string.Create(
                CultureInfo.InvariantCulture,
                $"**{verdict}** in {counts.Total} calls on {keys} keys. All was served again after "
                + $"{Range(sorted)}."),
            string.Empty,
            .. counts.Lines(),
        ]);
        Console.WriteLine(verdict);
    }

    private static string Range(TimeSpan[] sorted) => sorted.Length == 0 ? "no time that is known"
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{sorted[0].TotalSeconds:F1} to {sorted[^1].TotalSeconds:F1} s, median "
            + $"{sorted[sorted.Length / 2].TotalSeconds:F1} s, {sorted.Length} times");

    private void Write(string text)
    {
        string line = string.Create(
            CultureInfo.InvariantCulture, $"{_clock.Now.TotalSeconds,7:F1} s  {text}");
        lock (_gate)
        {
            File.AppendAllLines(_settings.Transcript, [line]);
            Console.WriteLine(line);
        }
    }
}
