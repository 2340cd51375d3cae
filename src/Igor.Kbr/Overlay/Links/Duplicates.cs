using System.Collections.Immutable;
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
    /// <summary>
    /// Longer than a pause of a healthy process, and short for a peer that restarted after a power failure.
    /// </summary>
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(2);

    /// <summary>The same clash is told again after that long.</summary>
    private static readonly TimeSpan TellPeriod = TimeSpan.FromSeconds(30);

    /// <summary>More clashes at once than that are not told apart.</summary>
    private const int ToldMax = 64;

    private readonly Dictionary<Key, Contest> _contests = [];
    private readonly Dictionary<Key, TimeSpan> _toldAt = [];

    /// <summary>A link whose other end claims to be another run of a peer that is connected.</summary>
    public void HandleHello(TimeSpan now, Peer known, Link link, HelloMessage hello)
    {
        if (_contests.TryGetValue(known.Id, out Contest? open) && open.IsOpen)
        {
            links.Forget(link); // one question at a time: whoever it is comes again
            return;
        }

        var contest = new Contest(
            known,
            link,
            HelloCheck.UsableAddresses(hello, link, context.Options.DialPrivate),
            now);
        _contests[known.Id] = contest;
        link.IsContested = true;
        liveness.Ping(now, known);
        context.Timers.Schedule(now + AnswerPatience, later =>
        {
            if (Take(contest))
            {
                links.Forget(link);
                links.Drop(later, known, DepartureReason.Failed);
            }
        });
    }

    /// <summary>A peer lives: when it was asked since a newcomer came, that one is refused.</summary>
    public void HandleSign(TimeSpan now, Peer peer, in SignOfLife sign)
    {
        if (sign.AskedAt is not { } askedAt || !_contests.TryGetValue(peer.Id, out Contest? contest)
            || contest.Known != peer || askedAt < contest.Since || !Take(contest))
        {
            return;
        }

        string first = Where(peer.Addresses, peer.Link);
        string second = Where(contest.Addresses, contest.Link);
        Tell(now, peer.Id, first, second);
        string text = $"another live node has its id, at {first}";
        context.Send(contest.Link, new GoodbyeMessage(GoodbyeReason.Duplicate, text, [peer.Contact]));
        links.Forget(contest.Link);
        context.Send(peer, new IdentityClashMessage(contest.Addresses));
    }

    /// <summary>The peer is gone: the newcomer may come again.</summary>
    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason)
    {
        if (_contests.TryGetValue(peer.Id, out Contest? contest) && contest.Known == peer && Take(contest))
        {
            links.Forget(contest.Link);
        }
    }

    private void Tell(TimeSpan now, Key id, string first, string second)
    {
        if (_toldAt.TryGetValue(id, out TimeSpan last) && now - last < TellPeriod)
        {
            return;
        }

        if (_toldAt.Count >= ToldMax)
        {
            _toldAt.Clear();
        }

        _toldAt[id] = now;
        context.Raise(
            OverlayEventKind.Refused,
            id,
            $"two live nodes have the id {id.ToShortString()}: one at {first}, and one at {second}, which is "
            + "refused");
    }

    private static string Where(ImmutableArray<string> addresses, Link link) =>
        addresses.IsEmpty ? link.RemoteAddress : addresses[0];

    private bool Take(Contest contest)
    {
        if (!contest.IsOpen)
        {
            return false;
        }

        contest.IsOpen = false;
        if (_contests.GetValueOrDefault(contest.Known.Id) == contest)
        {
            _contests.Remove(contest.Known.Id);
        }

        return true;
    }

    private sealed class Contest(Peer known, Link link, ImmutableArray<string> addresses, TimeSpan since)
    {
        public Peer Known => known;

        public Link Link => link;

        public ImmutableArray<string> Addresses => addresses;

        public TimeSpan Since => since;

        public bool IsOpen { get; set; } = true;
    }
}
