using System.Collections.Immutable;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// Whether this node knows its place in a ring: the nearest member on each side is connected, and says that
/// it knows none between itself and this node. One that took a place without that would be root of keys whose
/// root is another node still.
/// </summary>
internal sealed class PlaceCheck(NodeContext context, IControlRequests requests)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>Asks the nearest members; there has to be one.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="ring">The ring.</param>
    /// <param name="completed">
    /// Gets whether the place is right, those who are nearer and not connected, and who told of them.
    /// </param>
    public void Run(TimeSpan now, ServiceRing ring, Action<TimeSpan, PlaceCheckResult> completed)
    {
        (Key next, Key previous) = Nearest(ring);
        var nearer = new List<Contact>();
        RequestResult last = default;
        bool isAnswered = true;
        int open = next == previous ? 1 : 2;
        Ask(next);
        if (next != previous)
        {
            Ask(previous);
        }

        void Ask(Key member)
        {
            var request = new OwnRequest
            {
                Service = ring.Id,
                Destination = member,
                Flags = RouteFlags.Control | RouteFlags.Exact,
                Deadline = now + Timeout,
                FirstHop = member,
                Completed = Take,
            };
            request.Keep(new NearQuery(WireLimits.ContactsMax, ring.MemberTerms()).Write());
            requests.Begin(now, request);
        }

        void Take(TimeSpan later, RequestResult result)
        {
            last = result;
            isAnswered &= result.Status == KbrStatus.Ok;
            if (result.Status == KbrStatus.Ok
                && NearReply.TryRead(result.Payload, out ImmutableArray<Contact> contacts))
            {
                nearer.AddRange(contacts.Where(c => IsBetween(c.Id, previous, next) && IsLacking(c)));
            }

            if (--open == 0)
            {
                bool isRight = isAnswered && nearer.Count == 0 && ring.Members.Count > 0
                    && Nearest(ring) == (next, previous);
                completed(later, new PlaceCheckResult(isRight, [.. nearer], last.Teller));
            }
        }
    }

    private static (Key Next, Key Previous) Nearest(ServiceRing ring) =>
        (ring.Neighbours.Clockwise[0], ring.Neighbours.CounterClockwise[0]);

    private bool IsBetween(Key id, Key previous, Key next) =>
        id != context.Id && id != previous && id != next
        && (id - context.Id < next - context.Id || context.Id - id < context.Id - previous);

    /// <summary>Who has no address comes by itself, once it hears of this node.</summary>
    private bool IsLacking(Contact contact) =>
        !context.Peers.Contains(contact.Id) && !contact.Addresses.IsEmpty;
}
