using System.Net;
using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;

namespace Igor.Node.Transport.Admission;

/// <summary>What decides whether a link keeps its place.</summary>
/// <param name="Peer">Who it leads to.</param>
/// <param name="Source">The address that a bound is held for.</param>
/// <param name="Standing">What the peer is to this node.</param>
/// <param name="IsOutbound">Whether this node opened it.</param>
/// <param name="OpenedAt">When it was opened.</param>
/// <param name="HeardAt">When the last frame came.</param>
internal readonly record struct LinkPlace(
    Key Peer,
    IPAddress Source,
    PeerStanding Standing,
    bool IsOutbound,
    TimeSpan OpenedAt,
    TimeSpan HeardAt);

/// <summary>
/// Which link gives way when a new one finds no place. Never the new one for being new: it may be a member's
/// that comes back, which shows only when it says hello.
/// </summary>
internal static class LinkPlaces
{
    /// <summary>
    /// Links that one identity may have: two ends that dial each other have two, and a third one comes when
    /// both have died without a word.
    /// </summary>
    public const int LinksPerPeerMax = 3;

    /// <summary>
    /// Inbound links without a hello: whoever means it says so at once, and each costs as much as one of use.
    /// </summary>
    public const int SilentMax = 256;

    /// <summary>The oldest inbound link of an identity that has as many as it may.</summary>
    /// <returns>Its index; -1 when it has fewer.</returns>
    public static int Surplus(IReadOnlyList<LinkPlace> places, Key peer)
    {
        int[] own = [.. Indices(places).Where(i => places[i].Peer == peer)];
        return own.Length < LinksPerPeerMax
            ? -1
            : own.Where(i => !places[i].IsOutbound).OrderBy(i => places[i].OpenedAt).FirstOrDefault(-1);
    }

    /// <summary>
    /// First the oldest that has said no hello, of the address with most of those; then the stranger that was
    /// silent longest, one that this node has dialled last. Members keep theirs.
    /// </summary>
    /// <returns>Its index; -1 when members have all places.</returns>
    public static int Victim(IReadOnlyList<LinkPlace> places)
    {
        int silent = SilentVictim(places, 0);
        return silent >= 0
            ? silent
            : Indices(places)
                .Where(i => places[i].Standing is PeerStanding.Stranger or PeerStanding.Reached)
                .OrderBy(i => places[i].Standing)
                .ThenBy(i => places[i].IsOutbound)
                .ThenBy(i => places[i].HeardAt)
                .FirstOrDefault(-1);
    }

    /// <summary>The first of those, when there are more of them than that.</summary>
    /// <returns>Its index; -1 when there are not.</returns>
    public static int SilentVictim(IReadOnlyList<LinkPlace> places, int most = SilentMax)
    {
        int[] silent =
        [
            .. Indices(places)
                .Where(i => places[i] is { Standing: PeerStanding.Unknown, IsOutbound: false }),
        ];
        return silent.Length <= most
            ? -1
            : silent.GroupBy(i => places[i].Source).MaxBy(s => s.Count())!.MinBy(i => places[i].OpenedAt);
    }

    private static IEnumerable<int> Indices(IReadOnlyList<LinkPlace> places) =>
        Enumerable.Range(0, places.Count);
}
