namespace Igor.Kbr;

/// <summary>
/// What time it is, as a node knows it: its host's wall clock, or, where enough neighbours agree on another
/// time, theirs. Versions and ends of life are to be made and judged by it, never by the host's clock alone.
/// </summary>
/// <param name="UnixMs">Milliseconds since 1970 UTC.</param>
/// <param name="IsTrusted">
/// Whether other clocks bear it out, or nothing has spoken against the host's own for long. What cannot be
/// undone (forgetting what has ended) waits for that.
/// </param>
public readonly record struct NetworkTime(long UnixMs, bool IsTrusted);
