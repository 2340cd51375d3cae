using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace Igor.EndToEnd;

/// <summary>What happened when, in a test's output.</summary>
internal sealed class Timeline(ITestOutputHelper output)
{
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>Notes something that happened.</summary>
    public void Note(string what) => output.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(_start).TotalSeconds,7:0.00} s  {what}"));
}
