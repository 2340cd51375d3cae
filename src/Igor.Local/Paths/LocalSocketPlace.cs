namespace Igor.Local.Paths;

/// <summary>A local socket, and how its path came about.</summary>
/// <param name="Path">Its full path.</param>
/// <param name="NamedBy">
/// What named it, such as "--socket"; null when it is where sockets are by default.
/// </param>
/// <param name="Note">What is odd about the choice, for people; null when nothing is.</param>
internal readonly record struct LocalSocketPlace(string Path, string? NamedBy, string? Note)
{
    /// <summary>
    /// That IGOR_SOCKET names another and does not count, and why, for people; null when it is not so.
    /// </summary>
    public string? PassedOver { get; init; }
}
