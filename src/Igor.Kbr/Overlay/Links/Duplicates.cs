using System.Collections.Immutable;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Upkeep;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// A second run of a peer says hello while a connection to the first is there: the peer has restarted, or two
/// nodes run under one identity. The first is asked whether it lives. If it answers, the newcomer is refused,
/// and each is told where the other is; what they make of that is their matter (<see cref="OwnIdentity"/>).
/// If it does not, its connection is given up and the newcomer may come again.
/// </summary>
internal sealed class Duplicates(NodeContext context)
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

    /// <summary>Closes a link, with a goodbye where something is to be told; set by the handshake.</summary>
    public required Action<Link, Farewell?> Close { get; init; }

    /// <summary>Gives up a peer that does not answer; set by the handshake.</summary>
    public required Action<TimeSpan, Peer> GiveUp { get; init; }

    /// <summary>A link whose other end claims to be another run of a peer that is connected.</summary>
    public void HandleHello(TimeSpan now, Peer known, Link link, HelloMessage hello)
    {
        if (_contests.TryGetValue(known.Id, out Contest? open) && open.IsOpen)
        {
            Close(link, null); // one question at a time: whoever it is comes again
            return;
        }

        var contest = new Contest(
            known,
            link,
            HelloCheck.UsableAddresses(hello, link, context.Options.DialPrivate),
            now);
        _contests[known.Id] = contest;
        link.IsContested = true;
        FailureDetection.Ask(context, now, known);
        context.Timers.Schedule(now + AnswerPatience, later =>
        {
            if (Take(contest))
            {
                Close(link, null);
                GiveUp(later, known);
            }
        });
    }

    /// <summary>A peer answered a ping that was sent at some time.</summary>
    public void HandlePong(TimeSpan now, Peer known, TimeSpan sentAt)
    {
        if (!_contests.TryGetValue(known.Id, out Contest? contest) || contest.Known != known
            || sentAt < contest.Since || !Take(contest))
        {
            return;
        }

        string first = Where(known.Addresses, known.Link);
        string second = Where(contest.Addresses, contest.Link);
        Tell(now, known.Id, first, second);
        Close(contest.Link, new Farewell($"another live node has its id, at {first}", known.Addresses));
        context.Send(known, new IdentityClashMessage(contest.Addresses));
    }

    /// <summary>The peer is gone: the newcomer may come again.</summary>
    public void HandleGone(Peer known)
    {
        if (_contests.TryGetValue(known.Id, out Contest? contest) && contest.Known == known && Take(contest))
        {
            Close(contest.Link, null);
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

    /// <summary>What a refused newcomer is told.</summary>
    public sealed record Farewell(string Text, ImmutableArray<string> Addresses);

    private sealed class Contest(Peer known, Link link, ImmutableArray<string> addresses, TimeSpan since)
    {
        public Peer Known => known;

        public Link Link => link;

        public ImmutableArray<string> Addresses => addresses;

        public TimeSpan Since => since;

        public bool IsOpen { get; set; } = true;
    }
}
