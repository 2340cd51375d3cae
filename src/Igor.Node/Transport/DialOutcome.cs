using Igor.Kbr.Overlay.Machines;
using Igor.Node.Transport.Links;

namespace Igor.Node.Transport;

/// <summary>How an attempt to connect ended.</summary>
/// <param name="Secured">The connection; null when there is none.</param>
/// <param name="IsWanted">Whether it leads to where it should.</param>
/// <param name="Cause">Why there is none, for people.</param>
internal readonly record struct DialOutcome(SecuredSocket? Secured, bool IsWanted, string Cause)
{
    /// <summary>Which of several addresses it is about.</summary>
    public DialProgress Progress { get; init; }

    /// <summary>There is no connection.</summary>
    public static DialOutcome Failed(string cause) => new(null, false, cause);
}
