using Igor.Kbr.Overlay.Machines;
using Igor.Node.Transport.Admission;
using Igor.Node.Transport.Links;

namespace Igor.Node.Transport;

/// <content>Room for a new link.</content>
internal sealed partial class TlsTransport
{
    /// <summary>Makes room for a link that came, or says that there is none.</summary>
    private bool TryMakeRoom(SecuredSocket secured)
    {
        TlsLink[] links = [.. _links.Values];
        LinkPlace[] places = [.. links.Select(link => link.Place)];
        int surplus = LinkPlaces.Surplus(places, secured.Peer);
        int silent = LinkPlaces.SilentVictim(places);
        if (surplus >= 0)
        {
            Evict(links[surplus], "its peer has opened newer ones");
        }
        else if (silent >= 0)
        {
            Evict(links[silent], "it said no hello and many others do not");
        }
        else if (places.Length >= _options.ConnectionsMax)
        {
            int victim = LinkPlaces.Victim(places);
            if (victim < 0)
            {
                Inbound.CountRefused(InboundRefusal.Full);
                return false;
            }

            Evict(links[victim], "room is needed for others");
        }

        return true;
    }

    /// <summary>Called whenever a link comes to another standing, or goes.</summary>
    private void NoteMembers() =>
        _rates.HasMembers = _links.Values.Any(link => link.Standing == PeerStanding.Member);

    private void Evict(TlsLink link, string cause)
    {
        Inbound.CountRefused(InboundRefusal.EvictedLink);
        _links.Remove(link.Id);
        link.IsOpen = false;
        link.Abort(cause);
        _consumer.LinkClosed(link, cause);
    }
}
