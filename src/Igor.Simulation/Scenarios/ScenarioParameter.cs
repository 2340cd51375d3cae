using System.Collections.Immutable;
using System.Globalization;

namespace Igor.Simulation.Scenarios;

/// <summary>A number that changes how a scenario runs, or one of a few choices.</summary>
/// <param name="Name">
/// Its name, as on the command line: lower case, words joined by '-', the unit last.
/// </param>
/// <param name="Description">For people.</param>
/// <param name="Default">Its value when none is given.</param>
/// <param name="Min">Smallest value.</param>
/// <param name="Max">Largest value.</param>
public sealed record ScenarioParameter(
    string Name, string Description, double Default, double Min, double Max)
{
    /// <summary>What the values 0, 1, … stand for; empty for a number that is a number.</summary>
    public ImmutableArray<string> Choices { get; init; } = [];

    /// <summary>A value as it is written on the command line.</summary>
    public string Format(double value) =>
        Choices.IsEmpty ? value.ToString(CultureInfo.InvariantCulture) : Choices[(int)value];

    /// <summary>A value from the command line; null when it is none.</summary>
    public double? Parse(string text)
    {
        if (!Choices.IsEmpty)
        {
            int index = Choices.IndexOf(text);
            return index < 0 ? null : index;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            ? value
            : null;
    }

    /// <summary>The values that it may have, for people.</summary>
    public string Range => Choices.IsEmpty
        ? string.Create(CultureInfo.InvariantCulture, $"{Min} to {Max}")
        : string.Join(" or ", Choices);
}
