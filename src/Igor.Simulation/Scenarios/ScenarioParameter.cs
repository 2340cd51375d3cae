namespace Igor.Simulation.Scenarios;

/// <summary>A number that changes how a scenario runs.</summary>
/// <param name="Name">
/// Its name, as on the command line: lower case, words joined by '-', the unit last.
/// </param>
/// <param name="Description">For people.</param>
/// <param name="Default">Its value when none is given.</param>
/// <param name="Min">Smallest value.</param>
/// <param name="Max">Largest value.</param>
public sealed record ScenarioParameter(
    string Name, string Description, double Default, double Min, double Max);
