using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>Asks a ring who is near a key.</summary>
internal sealed class NeighbourLookup(Passage requests)
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>Asks for all whom this node lacks, through a member of the ring meant.</summary>
    public void Run(
        TimeSpan now, ServiceRing ring, Key key, Key through, Action<TimeSpan, RequestResult> completed) =>
        Run(
            now,
            ring.Id,
            key,
            RouteFlags.ExcludeSource,
            new NearQuery(WireLimits.ContactsMax, ring.MemberTerms()),
            completed,
            through);

    public void Run(
        TimeSpan now,
        ServiceId service,
        Key key,
        RouteFlags flags,
        in NearQuery query,
        Action<TimeSpan, RequestResult> completed,
        Key? through = null)
    {
        var request = new OwnRequest
        {
            Service = service,
            Destination = key,
            Flags = RouteFlags.Control | flags,
            Deadline = now + Timeout,
            FirstHop = through,
            Completed = completed,
        };
        requests.Begin(now, request, query.Write());
    }
}
