using Igor.Dht.Protocol.Records;

namespace Igor.Dht.Protocol.Machines;

/// <summary>
/// What versions count as among others of their key. One from the future is taken by nobody, but may be held:
/// its node was alone with a wrong clock. It counts as older than every version of the right time, so that
/// any write replaces it; see docs/decisions/0010.
/// </summary>
internal sealed class VersionRanks(ReplicaContext context)
{
    /// <summary>
    /// A version but this much over the bound is as good as taken by somebody: clocks that agree differ by
    /// some seconds, and what one node took must not be called wrong by another.
    /// </summary>
    private static readonly TimeSpan Doubt = TimeSpan.FromSeconds(10);

    /// <summary>Whether a version stems from a wrong clock, if the time is right.</summary>
    public bool IsFromFuture(RecordVersion version) => VersionTime.IsAfter(
        version,
        context.Now.UnixMs + (long)(context.Options.VersionAheadMax + Doubt).TotalMilliseconds);

    /// <summary>Whether a version is certain to stem from a wrong clock: the time is trusted.</summary>
    public bool IsMisdated(RecordVersion version) => context.Now.IsTrusted && IsFromFuture(version);

    /// <summary>
    /// The rank by which it is decided what is kept and what is read. While the time is not trusted, every
    /// version counts as what it says.
    /// </summary>
    public RecordVersion Of(RecordVersion version) =>
        IsMisdated(version) ? VersionTime.Demoted(version) : version;

    /// <summary>The rank of what is held of a key; none when nothing is.</summary>
    public RecordVersion Held(Igor.Kbr.Key key) => Of(context.Index.VersionOf(key));

    /// <summary>
    /// The rank by which it is decided whether a put is newer, which is made now: nothing is lost by it, so
    /// it needs no trust.
    /// </summary>
    public RecordVersion Presumed(RecordVersion version) =>
        IsFromFuture(version) ? VersionTime.Demoted(version) : version;
}
