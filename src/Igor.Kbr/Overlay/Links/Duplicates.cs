using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// A second run of a peer says hello while a connection to the first is there: the peer has restarted, or two
/// nodes run under one identity. The first is asked whether it lives. If it answers, the newcomer is refused,
/// and each is told where the other is; what they make of that is their matter (<see cref="OwnIdentity"/>).
/// If it does not, its connection is given up and the newcomer may come again.
/// </summary>
internal sealed class Duplicates(
    NodeContext context, OpenLinks links, Liveness liveness) : Machine, IHearsSigns
{
    /// <summary>Longer than healthy processes pause, short for one back from a power cut.</summary>
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(2);

    private readonly Dictionary<Key, Contest> _contests = [];

    /// <summary>A link whose other end claims to be another run of a peer that is connected.</summary>
    public void HandleHello(TimeSpan now, Peer known, Link link, in HelloMessage hello)
    {
        var contest = new Contest(known, new Contact(known.Id, hello.Addresses), link, now);
        if (!_contests.TryAdd(known.Id, contest))
        {
            links.Forget(link); // one question at a time: whoever it is comes again
            return;
        }

        link.IsContested = true;
        liveness.Ping(now, known);
        context.Timers.Schedule(now + AnswerPatience, later =>
        {
            if (_contests.GetValueOrDefault(known.Id) == contest)
            {
                links.Drop(later, known, DepartureReason.Failed);
            }
        });
    }

    /// <summary>A peer lives: when it was asked since a newcomer came, that one is refused.</summary>
    public void HandleSign(TimeSpan now, Peer peer, in SignOfLife sign)
    {
        if (_contests.TryGetValue(peer.Id, out Contest? contest) && sign.AskedAt >= contest.Since)
        {
            string first = Where(peer.Contact, peer.Link);
            context.Raise(
                OverlayEventKind.Refused,
                peer.Id,
                $"two live nodes have the id {peer.Id.ToShortString()}: one at {first}, and one at "
                + $"{Where(contest.Newcomer, contest.Link)}, which is refused");
            string text = $"another live node has its id, at {first}";
            context.Send(contest.Link, new GoodbyeMessage(GoodbyeReason.Duplicate, text, [peer.Contact]));
            context.Send(peer, new IdentityClashMessage(contest.Newcomer.Addresses));
            End(contest);
        }
    }

    /// <summary>The peer is gone: the newcomer may come again.</summary>
    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason)
    {
        if (_contests.TryGetValue(peer.Id, out Contest? contest))
        {
            End(contest);
        }
    }

    private void End(Contest contest)
    {
        _contests.Remove(contest.Known.Id);
        links.Forget(contest.Link);
    }

    private static string Where(Contact contact, Link link) =>
        contact.Addresses is [var first, ..] ? first : link.RemoteAddress;

    private sealed record Contest(Peer Known, Contact Newcomer, Link Link, TimeSpan Since);
}
