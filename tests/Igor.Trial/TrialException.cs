namespace Igor.Trial;

/// <summary>The trial cannot go on, for a reason that is told.</summary>
internal sealed class TrialException(string message, Exception? inner = null) : Exception(message, inner);
