using System.Globalization;
using Igor.Simulation.Engine;

namespace Igor.Simulation.Histories;

/// <summary>What happened, a line for each event, for people; nothing where nobody reads it.</summary>
internal sealed class Transcript(SimulationEngine engine, bool isKept)
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines => _lines;

    /// <summary>Adds a line.</summary>
    public void Note(Func<string> text)
    {
        if (isKept)
        {
            _lines.Add(string.Create(
                CultureInfo.InvariantCulture, $"{engine.Now.TotalSeconds,9:F3} s  {text()}"));
        }
    }
}
