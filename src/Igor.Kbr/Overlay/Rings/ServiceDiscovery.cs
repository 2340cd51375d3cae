using Igor.Kbr.Overlay.Peers;
using Igor.Kbr.Wire;
using MessagePack;

namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// Finds members of a service when none is connected: asks the connected peers whom they know, and connects
/// to some of those. (Where a rendezvous in the base overlay takes its place, this is the seam.)
/// </summary>
internal sealed class ServiceDiscovery(
    NodeContext context, RingTable rings, Dialer dialer, NeighbourExchange exchange)
{
    private const int AskedMax = 32;
    private const int ConnectedMax = 8;
    private static readonly TimeSpan AskPeriod = TimeSpan.FromMilliseconds(500);

    private readonly Dictionary<ServiceId, TimeSpan> _askedAt = [];

    public void Discover(TimeSpan now, ServiceRing ring)
    {
        if (_askedAt.TryGetValue(ring.Id, out TimeSpan last) && now - last < AskPeriod)
        {
            return;
        }

        _askedAt[ring.Id] = now;
        foreach (Peer peer in context.Peers.All.Take(AskedMax))
        {
            context.Send(peer, (ref MessagePackWriter writer) =>
            {
                writer.WriteArrayHeader(2);
                writer.Write((int)MessageType.ServiceQuery);
                PeerCodec.WriteService(ref writer, ring.Id);
            });
        }
    }

    public void HandleQuery(Peer asker, ServiceId service)
    {
        var known = new List<Contact>();
        foreach (Peer peer in context.Peers.All)
        {
            if (peer.Id != asker.Id && peer.Runs(service) && known.Count < ConnectedMax)
            {
                known.Add(peer.Contact);
            }
        }

        context.Send(asker, (ref MessagePackWriter writer) =>
        {
            writer.WriteArrayHeader(3);
            writer.Write((int)MessageType.ServiceMembers);
            PeerCodec.WriteService(ref writer, service);
            PeerCodec.WriteContacts(ref writer, known);
        });
    }

    public void HandleMembers(TimeSpan now, ServiceId service, List<Contact> contacts)
    {
        if (!rings.TryGet(service, out ServiceRing? ring))
        {
            return;
        }

        foreach (Contact contact in contacts.Take(ConnectedMax))
        {
            if (ring.Members.Count < ConnectedMax && !dialer.IsDialling(contact.Id))
            {
                dialer.TryDial(now, contact);
            }
        }

        exchange.Consider(now, ring, contacts);
    }
}
