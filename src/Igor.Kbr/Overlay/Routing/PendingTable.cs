using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// The requests whose reply is waited for: a slab whose ids carry a generation, so that a late or forged
/// reply finds nothing. What peers have it wait for shares the table by a dynamic threshold (Choudhury and
/// Hahne, 1998): one peer may hold as many entries as are free, so that a single one may use half, many share
/// alike, and there is room for the rest. Strangers together hold a quarter: more identities are no way to
/// keep members and this node itself out.
/// </summary>
internal sealed class PendingTable(PeerTable peers, int capacity)
{
    /// <summary>
    /// Other nodes' frames that are kept to be passed on once more, and their headers; beyond it the hop
    /// before has to do that.
    /// </summary>
    private const int FrameBytesMax = (8 * 1024 * 1024) + (64 * 1024);

    private const int StrangersPart = 4; // 1/4 of the table
    private const int IndexBits = 20;

    /// <summary>For what wants no reply, and so says no time.</summary>
    private const uint OneWayMsMax = 60_000;

    /// <summary>Deadlines are rounded up to it, so that those near each other are due together.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly List<Pending> _slab = [];
    private readonly Stack<int> _free = new();
    private readonly DeadlineHeap _heap = new();
    private readonly PerPeer<int> _ofPeers = new(peers, () => 0);
    private long _frameBytes;
    private int _strangers;

    public int Count => _heap.All.Count;

    /// <summary>When <see cref="NextDue"/> has the next entry; null for never.</summary>
    public TimeSpan? NextDeadline => _heap.First?.Deadline;

    /// <summary>Makes an entry for this node itself, or returns null when the table is full.</summary>
    public Pending? Add(TimeSpan now, TimeSpan end)
    {
        if (Count >= capacity)
        {
            return null;
        }

        if (!_free.TryPop(out int index))
        {
            index = _slab.Count;
            _slab.Add(new Pending { Id = (uint)index });
        }

        Pending entry = _slab[index];
        entry.Id += 1UL << IndexBits;
        (entry.BegunAt, entry.End) = (now, end);
        Change(entry, PendingKind.Parked, end);
        return entry;
    }

    /// <summary>
    /// Makes an entry for a request that came over a link, for as long as it may live, whatever the peer asks
    /// for, or returns null when there is no room for more of that peer's.
    /// </summary>
    public Pending? Add(TimeSpan now, in RouteHeader header, Link previous)
    {
        uint timeoutMs = header.HopId == 0 ? OneWayMsMax : header.TimeoutMs;
        TimeSpan end = now + TimeSpan.FromMilliseconds(Math.Min(timeoutMs, RequestOptions.TimeoutMsMax));
        Peer peer = previous.Peer!;
        bool isStranger = peer.Standing < PeerStanding.Reached;
        int free = capacity - Count;
        free = isStranger ? Math.Min(free, (capacity / StrangersPart) - _strangers) : free;
        if (_ofPeers[peer] >= free || Add(now, end) is not { } entry)
        {
            return null;
        }

        (entry.Previous, entry.PreviousId, entry.IsStrangers) = (previous, header.HopId, isStranger);
        _strangers += isStranger ? 1 : 0;
        _ofPeers[peer]++;
        return entry;
    }

    public Pending? Find(ulong id)
    {
        int index = (int)(id & ((1UL << IndexBits) - 1));
        return index < _slab.Count && _slab[index] is { Place: >= 0 } entry && entry.Id == id ? entry : null;
    }

    public void Remove(Pending entry)
    {
        _heap.Remove(entry);
        ForgetFrame(entry);
        entry.ForgetAttempts();
        if (entry.Previous is { } previous)
        {
            _ofPeers[previous.Peer!]--;
            _strangers -= entry.IsStrangers ? 1 : 0;
        }

        (entry.Previous, entry.Own, entry.Delivery, entry.IsDecided) = (null, null, null, false);
        _free.Push((int)(entry.Id & ((1UL << IndexBits) - 1)));
    }

    /// <summary>Gives an entry another kind and deadline, its end at the latest.</summary>
    public void Change(Pending entry, PendingKind kind, TimeSpan deadline)
    {
        long ticks = (deadline < entry.End ? deadline : entry.End).Ticks;
        entry.Kind = kind;
        entry.Deadline = new TimeSpan((ticks + Tick.Ticks - 1) / Tick.Ticks * Tick.Ticks);
        _heap.Put(entry);
    }

    /// <summary>Whether a peer has this node wait for a request that it calls so.</summary>
    public bool Holds(Peer peer, ulong previousId) => _ofPeers[peer] > 0
        && _heap.All.Any(e => e.PreviousId == previousId && e.Previous?.Peer == peer);

    /// <summary>Keeps another node's frame with its entry; false when there is no room for it.</summary>
    public bool TryKeepFrame(Pending entry, ReadOnlySpan<byte> frame)
    {
        if (entry.Frame is null && _frameBytes + frame.Length <= FrameBytesMax)
        {
            frame.CopyTo(NewFrame(entry, frame.Length));
        }

        return entry.Frame is not null;
    }

    /// <summary>A frame to be written and kept with an entry, in place of the one before.</summary>
    public Span<byte> NewFrame(Pending entry, int bytes)
    {
        ForgetFrame(entry);
        entry.Frame = LargeBuffers.Rent(bytes);
        entry.FrameBytes = bytes;
        _frameBytes += entry.Own is null ? bytes : 0;
        return entry.Frame.AsSpan(0, bytes);
    }

    public void ForgetFrame(Pending entry)
    {
        if (entry.Frame is { } frame)
        {
            _frameBytes -= entry.Own is null ? entry.FrameBytes : 0;
            entry.Frame = null;
            LargeBuffers.Return(frame);
        }
    }

    /// <summary>Entries in a fixed order, for the rare walk over all (a peer died).</summary>
    public List<Pending> Where(Func<Pending, bool> predicate) =>
        [.. _heap.All.Where(predicate).OrderBy(e => e.Order)];

    /// <summary>The next entry that is due, or null. The caller changes or removes it.</summary>
    public Pending? NextDue(TimeSpan now) => _heap.First is { } first && first.Deadline <= now ? first : null;
}
