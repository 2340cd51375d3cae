using System.Diagnostics.CodeAnalysis;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// The connections of this node and which peer each leads to. Whoever gives one up does it here, so that a
/// peer whose last connection goes is told of once.
/// </summary>
internal sealed class OpenLinks(NodeContext context)
{
    private readonly SortedList<long, Link> _links = []; // by age; takes half the memory of a dictionary
    private readonly Dictionary<Key, int> _greeted = []; // in how many links, of those that lead to no peer

    public int Count => _links.Count;

    /// <summary>How often all were gone through, which costs the more the more there are.</summary>
    public long Walks { get; private set; }

    /// <summary>Some link that is such, the oldest; null when there is none.</summary>
    public Link? Find(Func<Link, bool> predicate) => Walk().FirstOrDefault(predicate);

    /// <summary>How many links others opened for that.</summary>
    public int CountOfOthers(LinkPurpose purpose) => Walk().Count(l => !l.IsOutbound && l.Purpose == purpose);

    /// <summary>How many links others opened that lead to no peer yet.</summary>
    public int CountMute() => Walk().Count(link => !link.IsOutbound && link.Peer is null);

    public bool TryGet(LinkId id, [NotNullWhen(true)] out Link? link) =>
        _links.TryGetValue(id.Value, out link);

    public void Add(Link link)
    {
        _links.Add(link.Id.Value, link);
        OpenWishes.Add(_greeted, link.PeerId, 1);
    }

    /// <summary>Both ends have accepted each other.</summary>
    public void BringUp(Link link, Peer peer)
    {
        OpenWishes.Add(_greeted, link.PeerId, -1);
        link.Peer = peer;
    }

    /// <summary>The host closed it: there is nothing to close.</summary>
    public bool Remove(LinkId id, [NotNullWhen(true)] out Link? link)
    {
        bool isThere = _links.TryGetValue(id.Value, out link) && _links.Remove(id.Value);
        if (link is { Peer: null })
        {
            OpenWishes.Add(_greeted, link.PeerId, -1);
        }

        return isThere;
    }

    public bool IsGreeting(Key id) => _greeted.ContainsKey(id);

    /// <summary>The newest other link to a peer; null when there is none.</summary>
    public Link? OtherTo(Peer peer) => Walk().LastOrDefault(l => l.Peer == peer && l != peer.Link);

    public void Forget(Link link)
    {
        if (Remove(link.Id, out _))
        {
            context.Output.Close(link.Id);
        }
    }

    /// <summary>Closes all links to a peer and tells that it is gone.</summary>
    public void Drop(TimeSpan now, Peer peer, DepartureReason reason)
    {
        Array.ForEach([.. Walk().Where(l => l.Peer == peer)], Forget);
        context.Peers.Remove(peer);
        try
        {
            context.Raise(OverlayEventKind.PeerLost, peer.Id, $"{peer.Link.RemoteAddress}: {reason}");
        }
        finally
        {
            try
            {
                context.Machines.Each(machine => machine.HandlePeerDown(now, peer, reason));
            }
            finally
            {
                context.Peers.Release(peer); // also after a fault of the host, or its slot is lost
            }
        }
    }

    /// <summary>Says goodbye to a peer that is not needed, and drops it.</summary>
    public void End(TimeSpan now, Peer peer, string text)
    {
        context.Send(peer, new GoodbyeMessage(GoodbyeReason.Unneeded, text));
        Drop(now, peer, DepartureReason.Displaced);
    }

    public void CloseAll(GoodbyeReason reason, string text)
    {
        foreach (Link link in Walk().ToArray())
        {
            context.Send(link, new GoodbyeMessage(reason, text));
            Forget(link);
        }
    }

    private IList<Link> Walk()
    {
        Walks++;
        return _links.Values;
    }
}
