using System.Collections.Immutable;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Ring;

/// <summary>
/// Who is a member, as this node sees it. The <see cref="Alive"/> ring is who answers; the
/// <see cref="Expected"/>
/// ring has in addition the members that failed a short while ago, or that were there before this node was
/// restarted. Majorities are counted in the expected ring, so that who is left over after a crash does not
/// take itself for the whole.
/// </summary>
internal sealed partial class Membership
{
    /// <summary>Most missing members remembered: four neighbourhoods of one side.</summary>
    public const int MissingMax = 64;

    /// <summary>How long a member counts that others told of: they do so every half a minute.</summary>
    private static readonly TimeSpan HeardRetention = TimeSpan.FromMinutes(2);

    /// <summary>How long it takes to look again whether a member can be given up.</summary>
    private static readonly TimeSpan GivingUpPause = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a node that was alone, and has met others, waits for one of them to turn out a member of the
    /// ring: it may be about to come back, with all that there was. Longer than a large store takes for that.
    /// </summary>
    private static readonly TimeSpan MetPatience = TimeSpan.FromSeconds(30);

    private readonly TimeSpan _retention;
    private TimeSpan? _aloneUntil;
    private TimeSpan _nextGivingUp = TimeSpan.MinValue;
    private readonly List<Missing> _missing = [];
    private readonly List<Missing> _heard = [];
    private readonly List<Missing> _departed = [];
    private Key? _leaving;
    private bool _isAgreed;

    /// <summary>Makes the view of a node that has joined nothing yet.</summary>
    /// <param name="self">The node's id.</param>
    /// <param name="retention">How long a member that failed is expected back.</param>
    public Membership(Key self, TimeSpan retention)
    {
        _retention = retention;
        Neighbours = NeighbourSet.Alone(self, isMember: false);
        Alive = RingView.Of(Neighbours, []);
        Expected = Alive;
        Remaining = Alive;
    }

    /// <summary>The neighbour set as the overlay told it last.</summary>
    public NeighbourSet Neighbours { get; private set; }

    /// <summary>The members that are alive.</summary>
    public RingView Alive { get; private set; }

    /// <summary>The members that are alive or expected back.</summary>
    public RingView Expected { get; private set; }

    /// <summary>The node's id.</summary>
    public Key Self => Neighbours.Self;

    /// <summary>Whether this node is an active member.</summary>
    public bool IsMember => Neighbours.IsMember;

    /// <summary>
    /// Whether the node reaches none of those that it knows or was given to join, or has met the first of
    /// them just now: it may not speak for the ring.
    /// </summary>
    public bool IsAlone => Neighbours.IsAlone || _aloneUntil is not null;

    /// <summary>
    /// The members that are expected back, and those that others reach and this node does not.
    /// </summary>
    public IEnumerable<Key> MissingMembers => _missing.Concat(_heard).Select(m => m.Id).Distinct();

    /// <summary>
    /// Whom this node tells others of: those that are alive, and those that it misses itself. Somebody who
    /// came meanwhile would take those that are there for all there are.
    /// </summary>
    public Key[] ToTell() =>
        [.. Alive.Members.ToArray().Concat(_missing.Select(m => m.Id)).Distinct().Take(MissingMax)];

    /// <summary>When the next missing member is given up.</summary>
    public TimeSpan? NextDeadline
    {
        get
        {
            TimeSpan? missing = _missing.Count == 0 ? null : _missing[0].Since + _retention;
            missing = missing < _nextGivingUp ? _nextGivingUp : missing;
            TimeSpan? heard = _heard.Count == 0 ? null : _heard[0].Since + HeardRetention;
            TimeSpan? next = missing is null || heard < missing ? heard : missing;
            TimeSpan? alone = _aloneUntil < TimeSpan.MaxValue ? _aloneUntil : null;
            next = next is null || alone < next ? alone : next;
            TimeSpan? drained = Drainers.NextDeadline;
            return next is null || drained < next ? drained : next;
        }
    }

    /// <summary>The keys that this node is the root of; null when it is no member.</summary>
    public Arc? RootArc => IsMember ? Alive.Range(Self, 1) : null;

    /// <summary>Number of copies that make a majority, for a record that asks for so many.</summary>
    public int Majority(int replicas) => CopiesNeeded.Majority(replicas, Expected.Count);

    /// <summary>
    /// Whether those that are as asked are a majority of the expected replicas of a record, and of those whom
    /// readers ask, the five nearest, where it has more.
    /// </summary>
    public bool IsMajority(Key key, int replicas, Func<Key, bool> isAsAsked) =>
        IsMajority(Expected, key, replicas, isAsAsked);

    private bool IsMajority(RingView expected, Key key, int replicas, Func<Key, bool> isAsAsked)
    {
        Span<Key> near = stackalloc Key[Math.Max(replicas, Neighbourhood.Replicas)];
        near = near[..expected.Nearest(key, near)];
        bool isMajority = !IsAlone;
        for (int of = Math.Min(replicas, Neighbourhood.Replicas); of <= replicas; of++)
        {
            int count = 0;
            for (int at = 0; at < of && at < near.Length; at++)
            {
                count += isAsAsked(near[at]) ? 1 : 0;
            }

            isMajority &= count >= CopiesNeeded.Majority(of, expected.Count);
        }

        return isMajority;
    }

    /// <summary>
    /// What is this root's in any case, and what it is only since others are missing: if those are there
    /// after all, it is theirs.
    /// </summary>
    public IEnumerable<Arc> Parts(ArcSet arcs)
    {
        ArcSet always = arcs.Copy();
        always.Keep(Expected.Range(Self, 1));
        ArcSet rest = arcs.Copy();
        rest.Remove(always);
        return [.. always.Arcs(), .. rest.Arcs()];
    }

    /// <summary>Whether the node is the root of a key, as far as it knows.</summary>
    public bool IsRootOf(Key key)
    {
        Span<Key> nearest = stackalloc Key[1];
        return IsMember && Alive.Nearest(key, nearest) == 1 && nearest[0] == Self;
    }

    /// <summary>Takes members from before a restart for missing.</summary>
    public void Recall(TimeSpan now, IEnumerable<Key> members)
    {
        foreach (Key id in members.Where(id => id != Self).Take(MissingMax))
        {
            _missing.Add(new Missing(id, now));
        }

        Rebuild();
    }

    /// <summary>Who is to be remembered over a restart.</summary>
    public IEnumerable<Key> ToRemember()
    {
        Key[] members = [.. Expected.Members];
        return members.Where(id => id != Self).Take(MissingMax);
    }

    /// <summary>
    /// A member is about to leave, and asks whether it may go without being missed: one at a time may, for
    /// what those have acknowledged that go together may be with them alone. Its word that all agreed ends
    /// the question, and so does its leaving.
    /// </summary>
    public bool TryLetLeave(Key id, bool isAgreed)
    {
        if (_leaving is { } other && other != id && Alive.Contains(other))
        {
            return false;
        }

        (_leaving, _isAgreed) = (id, isAgreed);
        return true;
    }

    /// <summary>Whether a member said that it goes just now, which all agreed to.</summary>
    public bool IsGoing(Key id) => _isAgreed && _leaving == id;

    /// <summary>
    /// Others know these members. Those that this node does not know it is to expect: it may have come into a
    /// part of the ring only. Not those that just went, of which others may not know yet.
    /// </summary>
    public void Hear(TimeSpan now, IReadOnlyList<Key> members)
    {
        foreach (Key id in members)
        {
            if (id != Self && Alive.Spans(id) && !Alive.Contains(id) && !_missing.Exists(m => m.Id == id)
                && !_departed.Exists(m => m.Id == id && m.Since + HeardRetention > now))
            {
                _heard.RemoveAll(m => m.Id == id);
                Remember(_heard, new Missing(id, now));
            }
        }

        Rebuild();
    }

    /// <summary>
    /// The overlay told a new neighbour set. A member that failed is missing, and one that left without the
    /// others' agreement.
    /// </summary>
    public void HandleUpdate(TimeSpan now, NeighbourChange change)
    {
        Neighbours = change.Neighbours;
        _aloneUntil = Neighbours.Count > 0 ? null
            : Neighbours.IsAlone ? TimeSpan.MaxValue
            : _aloneUntil == TimeSpan.MaxValue ? now + MetPatience
            : _aloneUntil;
        foreach (Departure departure in change.Departed)
        {
            Forget(departure.Id);
            Remember(_departed, new Missing(departure.Id, now));
            bool isAgreed = IsGoing(departure.Id);
            _leaving = _leaving == departure.Id ? null : _leaving;
            if (departure.Reason == DepartureReason.Failed
                || (departure.Reason == DepartureReason.Left && !isAgreed))
            {
                Remember(_missing, new Missing(departure.Id, now));
            }
        }

        ImmutableArray<Key> clockwise = Neighbours.Clockwise;
        ImmutableArray<Key> counterClockwise = Neighbours.CounterClockwise;
        _missing.RemoveAll(m => clockwise.Contains(m.Id) || counterClockwise.Contains(m.Id));
        _heard.RemoveAll(m => clockwise.Contains(m.Id) || counterClockwise.Contains(m.Id));
        Rebuild();
        _heard.RemoveAll(m => !Alive.Spans(m.Id)); // too far away to matter
    }

    /// <summary>
    /// Gives up members that were missing for long, or were waited for; returns whether there were any.
    /// </summary>
    public bool HandleDeadline(TimeSpan now)
    {
        int given = _heard.RemoveAll(m => m.Since + HeardRetention <= now) + Drainers.Expire(now);
        if (_aloneUntil <= now)
        {
            _aloneUntil = null;
            given++;
        }

        foreach (Missing missing in _missing.Where(m => m.Since + _retention <= now).ToArray())
        {
            if (CanGiveUp(missing.Id))
            {
                _missing.Remove(missing);
                given++;
                Rebuild();
            }
            else
            {
                _nextGivingUp = now + GivingUpPause;
            }
        }

        if (given > 0)
        {
            Rebuild();
        }

        return given > 0;
    }

    /// <summary>
    /// Somebody says that a member is dead for good: it is not expected any more, on nobody's word. False for
    /// one that is there.
    /// </summary>
    public bool TryForget(TimeSpan now, Key id)
    {
        if (Alive.Contains(id))
        {
            return false;
        }

        Forget(id);
        Remember(_departed, new Missing(id, now));
        Rebuild();
        return true;
    }

    /// <summary>
    /// Whether a majority is there without a member, wherever that is to hold records. Where it is not, those
    /// that are missing may be the majority, and go on without those that are here.
    /// </summary>
    private bool CanGiveUp(Key id)
    {
        Span<Key> near = stackalloc Key[Neighbourhood.Replicas];
        foreach (Key point in ChangePoints(Expected))
        {
            int count = Expected.Nearest(point, near);
            if (near[..count].Contains(id)
                && CountAlive(near[..count]) < CopiesNeeded.Majority(count, count))
            {
                return false;
            }
        }

        return true;
    }

    private List<Key> ChangePoints(RingView ring)
    {
        var points = new List<Key>();
        ring.AddChangePoints(Neighbourhood.Replicas, points);
        if (points.Count == 0)
        {
            points.Add(Self);
        }

        return points;
    }

    private int CountAlive(ReadOnlySpan<Key> members)
    {
        int alive = 0;
        foreach (Key member in members)
        {
            alive += Alive.Contains(member) ? 1 : 0;
        }

        return alive;
    }

    /// <summary>
    /// What troubles the members near this node: for some key that this node is to hold, too few of those
    /// that are to hold it are alive.
    /// </summary>
    public Trouble? Trouble()
    {
        if (!IsMember || _missing.Count + _heard.Count == 0)
        {
            return null;
        }

        Span<Key> near = stackalloc Key[Neighbourhood.Replicas];
        near = near[..Expected.Nearest(Self, near)];
        Span<Key> holders = stackalloc Key[Neighbourhood.Replicas];
        foreach (Key key in near)
        {
            int count = Expected.Nearest(key, holders);
            int alive = CountAlive(holders[..count]);
            if (alive < (count / 2) + 1)
            {
                return new Trouble(
                    TroubleKinds.NoMajority,
                    $"{_missing.Count + _heard.Count} members are missing, and of {count} that are to hold a "
                    + $"record only {alive} are there: answers are marked, and writes may fail, until "
                    + $"{(count / 2) + 1} are, or those that are dead for good are given up ('forget')");
            }
        }

        return null;
    }

    private void Forget(Key id)
    {
        _missing.RemoveAll(m => m.Id == id);
        _heard.RemoveAll(m => m.Id == id);
        _departed.RemoveAll(m => m.Id == id);
    }

    private static void Remember(List<Missing> list, Missing member)
    {
        if (list.Count == MissingMax)
        {
            list.RemoveAt(0);
        }

        list.Add(member);
    }

    private void Rebuild()
    {
        Alive = RingView.Of(Neighbours, []);
        Expected = _missing.Count + _heard.Count == 0 ? Alive : RingView.Of(Neighbours, MissingMembers);
        Drainers.Forget(id => id != Self && !Alive.Contains(id));
        Remaining = Drainers.RestOf(Alive);
    }

    private readonly record struct Missing(Key Id, TimeSpan Since);
}
