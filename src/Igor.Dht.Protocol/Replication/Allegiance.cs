using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// To which root this node gives its word about a key: that it holds a record, or has none. To one at a time.
/// It turns to another when that one asks, no lease of the first runs any more, and the first is not, as far
/// as this node sees, the root after all. Two that both take themselves for the root of a key, since a link
/// between them is cut or one of them slept, never both have the word of a majority.
/// </summary>
internal sealed class Allegiance(ReplicaContext context)
{
    /// <summary>
    /// How long a lease is: so long after the death of a root, at most, answers about its keys are marked.
    /// </summary>
    public static readonly TimeSpan LeaseMax = TimeSpan.FromMilliseconds(500);

    /// <summary>Most separate spans kept for a root: it asks for a few.</summary>
    private const int SpansMax = 64;

    private readonly List<Allegiant> _roots = [];
    private ulong _lastTerm;
    private TimeSpan _quietUntil;

    /// <summary>
    /// This node was restarted: it may have granted leases that it does not remember, and gives nobody its
    /// word until those have ended.
    /// </summary>
    public void BeQuiet() => _quietUntil = context.Now.Monotonic + LeaseMax;

    /// <summary>
    /// Whether this node's word about a key is a root's now; if it is, it is nobody else's.
    /// </summary>
    public bool TryServe(Key root, Key key)
    {
        if (context.Now.Monotonic < _quietUntil)
        {
            return false;
        }

        bool isFree = true;
        foreach (Allegiant other in _roots)
        {
            isFree &= other.Root == root || !other.Arcs.Contains(key) || !IsHeldBy(other, key);
        }

        if (isFree)
        {
            foreach (Allegiant other in _roots)
            {
                if (other.Root != root && other.Arcs.Contains(key))
                {
                    ArcSet stale = other.Arcs.Copy();
                    stale.Remove(HeldBy(other));
                    other.Lose(stale);
                }
            }
        }

        return isFree;
    }

    /// <summary>
    /// A root asks for this node's word about the keys of some arcs, and for a lease, in the place of all
    /// leases that it had here. Returns for which keys it has both, and its term, which changes when the word
    /// was another's meanwhile.
    /// </summary>
    public (ulong Term, ArcSet Granted) Follow(Key root, ArcSet asked, TimeSpan lease)
    {
        TimeSpan now = context.Now.Monotonic;
        if (now < _quietUntil)
        {
            return (0, new ArcSet());
        }

        ArcSet granted = asked.Copy();
        foreach (Allegiant other in _roots)
        {
            if (other.Root != root)
            {
                granted.Remove(HeldBy(other));
            }
        }

        foreach (Allegiant other in _roots)
        {
            if (other.Root != root)
            {
                other.Lose(granted);
            }
        }

        Allegiant own = Of(root);
        if (own.TryGain(granted, SpansMax))
        {
            own.Term = ++_lastTerm;
        }

        if (own.Arcs.Spans.Count > SpansMax)
        {
            own.Lose(own.Arcs.Copy());
            granted.Clear();
        }

        own.Leased = granted.Copy();
        own.LeaseUntil = now + (lease < LeaseMax ? lease : LeaseMax);
        return (own.Term, granted);
    }

    /// <summary>
    /// A root compares what this node holds in an arc. Returns the term if its word about all of it is that
    /// root's, from now on if need be; else 0.
    /// </summary>
    public ulong TermFor(Key root, Arc arc)
    {
        Allegiant? own = _roots.Find(r => r.Root == root);
        if (own is not null && context.Now.Monotonic >= _quietUntil && own.Arcs.Covers(arc))
        {
            return own.Term;
        }

        ArcSet leased = own?.Leased ?? new ArcSet();
        TimeSpan until = own?.LeaseUntil ?? TimeSpan.Zero;
        (ulong term, ArcSet granted) = Follow(root, ArcSet.Of(arc), TimeSpan.Zero);
        if (own is not null)
        {
            (own.Leased, own.LeaseUntil) = (leased, until);
        }

        return granted.Covers(arc) ? term : 0;
    }

    /// <summary>The ring changed.</summary>
    public void HandleUpdate() => _roots.RemoveAll(
        r => !IsThere(r.Root) && r.LeaseUntil <= context.Now.Monotonic);

    private Allegiant Of(Key root)
    {
        Allegiant? own = _roots.Find(r => r.Root == root);
        if (own is null)
        {
            if (_lastTerm == 0)
            {
                _lastTerm = context.Random.NextUInt64() | 1; // not those of before a restart
            }

            own = new Allegiant(root, ++_lastTerm);
            _roots.Add(own);
        }

        return own;
    }

    private bool IsThere(Key root) => context.Membership.Alive.Contains(root);

    private bool IsHeldBy(Allegiant root, Key key) =>
        (root.LeaseUntil > context.Now.Monotonic && root.Leased.Contains(key))
        || RangeOf(root)?.Contains(key) == true;

    /// <summary>What it is the root of; nothing when it goes, which all have agreed to.</summary>
    private Arc? RangeOf(Allegiant root) => context.Membership.IsGoing(root.Root)
        ? null
        : context.Membership.Alive.Range(root.Root, 1);

    /// <summary>The keys that a root keeps, whoever asks.</summary>
    private ArcSet HeldBy(Allegiant root)
    {
        ArcSet held = root.Arcs.Copy();
        held.Keep(RangeOf(root));
        if (root.LeaseUntil > context.Now.Monotonic)
        {
            held.Add(root.Leased);
        }

        return held;
    }

    /// <summary>A root that has this node's word about some keys.</summary>
    private sealed class Allegiant(Key root, ulong term)
    {
        private readonly ArcSet _lost = new();

        public Key Root { get; } = root;

        public ulong Term { get; set; } = term;

        public ArcSet Arcs { get; } = new();

        public ArcSet Leased { get; set; } = new();

        public TimeSpan LeaseUntil { get; set; }

        public void Lose(ArcSet arcs)
        {
            ArcSet lost = arcs.Copy();
            lost.Keep(Arcs);
            _lost.Add(lost);
            Arcs.Remove(lost);
        }

        /// <summary>Whether some of these keys were another's since this root had them.</summary>
        public bool TryGain(ArcSet arcs, int spansMax)
        {
            ArcSet back = _lost.Copy();
            back.Keep(arcs);
            bool isBack = !back.IsEmpty || _lost.Spans.Count > spansMax;
            if (isBack)
            {
                _lost.Clear();
                Arcs.Clear();
            }

            Arcs.Add(arcs);
            return isBack;
        }
    }
}
