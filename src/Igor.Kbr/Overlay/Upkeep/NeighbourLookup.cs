using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>Asks a ring who is near a key, but for those whom this node knows there.</summary>
internal sealed class NeighbourLookup(Passage requests)
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>Asks through a certain member, since others may be of another ring.</summary>
    public void Run(
        TimeSpan now, ServiceRing ring, Key key, Key through, Action<TimeSpan, RequestResult> completed)
    {
        var request = new OwnRequest
        {
            Service = ring.Id,
            Destination = key,
            Flags = RouteFlags.Control | RouteFlags.ExcludeSource,
            Deadline = now + Timeout,
            FirstHop = through,
            Completed = completed,
        };
        requests.Begin(now, request, new NearQuery(WireLimits.ContactsMax, ring.MemberTerms()).Write());
    }
}
