using System.Globalization;

namespace Igor.Simulation.Checks;

/// <summary>Something that a checker found wrong.</summary>
/// <param name="Checker">Which checker.</param>
/// <param name="At">Virtual time.</param>
/// <param name="Text">What, with the nodes and keys that it is about.</param>
public sealed record Violation(string Checker, TimeSpan At, string Text)
{
    /// <summary>One line for people.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Checker} at {At.TotalSeconds:F1} s: {Text}");
}
