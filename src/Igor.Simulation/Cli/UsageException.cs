namespace Igor.Simulation.Cli;

/// <summary>An option has a wrong value; the message names it.</summary>
internal sealed class UsageException(string message) : Exception(message);
