namespace Igor.Node.Applications;

/// <summary>
/// An application that speaks for several: what they ask for counts as the work of one, or a process would
/// get more by attaching more often.
/// </summary>
internal interface ISharedWork
{
    /// <summary>Where their calls come from.</summary>
    WorkSource Work { get; }
}
