namespace Igor.Local;

/// <summary>
/// A host that bounds what it holds and does for each process: every session at the socket gets a share of
/// its own.
/// </summary>
internal interface ISharingHost
{
    /// <summary>Opens a share; it goes when nobody uses it.</summary>
    IApplicationShare OpenShare();
}
