namespace Igor.Local;

/// <summary>
/// An application that is one of several of a process: what they ask for counts as asked by one, or a process
/// would get more by attaching more often.
/// </summary>
internal interface ISharedApplication
{
    /// <summary>The share that its host opened for the process; null when the host keeps none.</summary>
    IApplicationShare? Share { get; }
}
