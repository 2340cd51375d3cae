using Igor.Simulation.Checks;

namespace Igor.Trial.Judging;

/// <summary>A line of a history file: a call, on a record of type `value` or on a register.</summary>
/// <param name="Key">What was called, for people and to be judged by itself.</param>
/// <param name="JudgesLives">Whether clocks were right enough then for ends of lives to be judged.</param>
/// <param name="Value">A call on a `value`.</param>
/// <param name="Register">A call on a register.</param>
internal sealed record HistoryEntry(string Key, bool JudgesLives, ValueCall? Value, RegisterCall? Register);
