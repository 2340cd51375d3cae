using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// The requests whose reply is waited for: a slab whose ids carry a generation, so that a late or forged
/// reply finds nothing, and a wheel for their deadlines (<see cref="PendingWheel"/>). What peers have it wait
/// for shares the table by a dynamic threshold (Choudhury and Hahne, 1998): one peer may hold as many entries
/// as are free, so that a single one may use half, many share alike, and there is room for the rest.
/// Strangers together hold a quarter: more identities are no way to keep members and this node itself out.
/// </summary>
internal sealed class PendingTable(PeerTable peers, int capacity)
{
    /// <summary>Frames kept to be passed on once more; beyond it the hop before has to do that.</summary>
    private const int FrameBytesMax = 8 * 1024 * 1024;

    private const int StrangersPart = 4; // 1/4 of the table
    private const int IndexBits = 20;

    private static readonly TimeSpan TransitMax = TimeSpan.FromSeconds(60);

    private readonly List<Pending> _slab = [];
    private readonly Stack<int> _free = new();
    private readonly PendingWheel _wheel = new();
    private readonly PerPeer<int> _ofPeers = new(peers, () => 0);
    private long _frameBytes;
    private int _strangers;

    public int Count { get; private set; }

    /// <summary>Makes an entry for this node itself, or returns null when the table is full.</summary>
    public Pending? Add(PendingKind kind, TimeSpan now, TimeSpan deadline) =>
        Count < capacity ? Create(kind, now, deadline) : null;

    /// <summary>
    /// Makes an entry for a request that came over a link, or returns null when there is no room for more of
    /// that peer's.
    /// </summary>
    public Pending? Add(PendingKind kind, TimeSpan now, TimeSpan deadline, Link previous, ulong previousId)
    {
        Peer peer = previous.Peer!;
        bool isStranger = peer.Standing < PeerStanding.Reached;
        int free = capacity - Count;
        free = isStranger ? Math.Min(free, (capacity / StrangersPart) - _strangers) : free;
        if (_ofPeers[peer] >= free)
        {
            return null;
        }

        Pending entry = Create(kind, now, deadline);
        entry.Previous = previous;
        entry.PreviousId = previousId;
        entry.IsStrangers = isStranger;
        _strangers += isStranger ? 1 : 0;
        _ofPeers[peer]++;
        return entry;
    }

    /// <summary>
    /// Soft state for a request of a peer, for a time that is bounded whatever the peer asks for; null when
    /// there is no room for more of that peer's.
    /// </summary>
    public Pending? Remember(PendingKind kind, TimeSpan now, Link link, in RouteHeader header)
    {
        TimeSpan timeout = TimeSpan.FromMilliseconds(header.TimeoutMs);
        return Add(kind, now, now + (timeout < TransitMax ? timeout : TransitMax), link, header.HopId);
    }

    public Pending? Find(ulong id)
    {
        int index = (int)(id & ((1UL << IndexBits) - 1));
        return index < _slab.Count && _slab[index] is { Slot: >= 0 } entry && entry.Id == id ? entry : null;
    }

    public void Remove(Pending entry)
    {
        _wheel.Remove(entry);
        Release(entry);
        ForgetFrame(entry);
        entry.ForgetAttempts();
        entry.ForgetWays();
        entry.Own = null;
        Count--;
        _free.Push((int)(entry.Id & ((1UL << IndexBits) - 1)));
    }

    /// <summary>Gives an entry another kind and deadline, its end at the latest.</summary>
    public void Change(Pending entry, PendingKind kind, TimeSpan deadline)
    {
        entry.Kind = kind;
        entry.Deadline = deadline < entry.End ? deadline : entry.End;
        _wheel.Move(entry);
    }

    /// <summary>Gives an entry another id: what its attempts may bring still means nothing.</summary>
    public static void Renew(Pending entry)
    {
        entry.Id += 1UL << IndexBits;
        entry.ForgetAttempts();
    }

    /// <summary>How many entries wait for an answer to a connected peer.</summary>
    public int CountOf(Peer peer) => _ofPeers[peer];

    /// <summary>An answer goes by another way, which gives up its own place in the table.</summary>
    public void TakeOver(Pending entry, Pending other)
    {
        Release(entry);
        (entry.Previous, entry.PreviousId, entry.IsStrangers) =
            (other.Previous, other.PreviousId, other.IsStrangers);
        (other.Previous, other.IsStrangers) = (null, false);
        entry.End = other.End;
        Remove(other);
        Change(entry, entry.Kind, entry.End);
    }

    /// <summary>Keeps a frame with its entry, while there is room for it.</summary>
    public void KeepFrame(Pending entry, ReadOnlySpan<byte> frame)
    {
        if (_frameBytes + frame.Length <= FrameBytesMax)
        {
            entry.Frame = LargeBuffers.Rent(frame.Length);
            entry.FrameBytes = frame.Length;
            frame.CopyTo(entry.Frame);
            _frameBytes += frame.Length;
        }
    }

    /// <summary>The frame is not needed any more.</summary>
    public void ForgetFrame(Pending entry)
    {
        if (TakeFrame(entry) is { } frame)
        {
            LargeBuffers.Return(frame);
        }
    }

    /// <summary>Takes the kept frame out, to be returned to its pool; null for none.</summary>
    public byte[]? TakeFrame(Pending entry)
    {
        byte[]? frame = entry.Frame;
        if (frame is not null)
        {
            _frameBytes -= entry.FrameBytes;
            entry.Frame = null;
        }

        return frame;
    }

    private void Release(Pending entry)
    {
        if (entry.Previous is { } previous)
        {
            _ofPeers[previous.Peer!]--;
            _strangers -= entry.IsStrangers ? 1 : 0;
            entry.Previous = null;
        }
    }

    /// <summary>Whether some entry is such.</summary>
    public bool Any(Predicate<Pending> predicate) => _slab.Exists(e => e.Slot >= 0 && predicate(e));

    /// <summary>Entries in a fixed order, for the rare walk over all (a peer died).</summary>
    public List<Pending> Where(Predicate<Pending> predicate) =>
        _slab.FindAll(e => e.Slot >= 0 && predicate(e));

    public TimeSpan? NextDeadline => _wheel.NextDeadline;

    public Pending? NextDue(TimeSpan now) => _wheel.NextDue(now);

    private Pending Create(PendingKind kind, TimeSpan now, TimeSpan deadline)
    {
        Pending entry;
        if (_free.TryPop(out int index))
        {
            entry = _slab[index];
            entry.Id += 1UL << IndexBits;
        }
        else
        {
            entry = new Pending { Id = (1UL << IndexBits) | (uint)_slab.Count };
            _slab.Add(entry);
        }

        Count++;
        entry.Kind = kind;
        entry.Deadline = deadline;
        entry.End = deadline;
        _wheel.Add(now, entry);
        return entry;
    }
}
