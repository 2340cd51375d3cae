using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Igor.Kbr.Overlay.Machines;

/// <summary>The connected peers, a list in order of id; found in it by halving.</summary>
internal sealed class PeerTable
{
    private readonly List<Peer> _sorted = [];
    private readonly List<IKept> _kept = [];
    private readonly List<Peer?> _bySlot = [];
    private readonly Stack<int> _free = new();

    internal interface IKept
    {
        /// <summary>A peer has come and has that slot.</summary>
        void Begin(int slot);

        /// <summary>The peer of that slot is gone.</summary>
        void End(int slot);
    }

    public int Count => _sorted.Count;

    /// <summary>All peers in order of id; while it is walked nothing is added or removed.</summary>
    public List<Peer> All => _sorted;

    public Peer[] Snapshot() => [.. _sorted];

    public bool TryGet(Key id, [NotNullWhen(true)] out Peer? peer)
    {
        int index = CountBelow(_sorted, id);
        peer = index < _sorted.Count && _sorted[index].Id == id ? _sorted[index] : null;
        return peer is not null;
    }

    /// <summary>Whether it is this peer that is connected, and not another run of it or none.</summary>
    public bool IsConnected(Peer peer) => peer.Slot >= 0 && _bySlot[peer.Slot] == peer;

    public Peer? InSlot(int slot) => _bySlot[slot];

    public bool Contains(Key id) => TryGet(id, out _);

    public void Add(Peer peer)
    {
        _sorted.Insert(CountBelow(_sorted, peer.Id), peer);
        if (!_free.TryPop(out int slot))
        {
            slot = _bySlot.Count;
            _bySlot.Add(null);
        }

        peer.Slot = slot;
        _bySlot[slot] = peer;
        foreach (IKept kept in _kept)
        {
            kept.Begin(peer.Slot);
        }
    }

    /// <summary>The peer is not connected any more; what is kept for it stays until it is released.</summary>
    public void Remove(Peer peer)
    {
        if (IsConnected(peer))
        {
            _bySlot[peer.Slot] = null;
            _sorted.RemoveAt(CountBelow(_sorted, peer.Id));
        }
    }

    /// <summary>All have heard that the peer is gone: its slot is free for another one.</summary>
    public void Release(Peer peer)
    {
        foreach (IKept kept in _kept)
        {
            kept.End(peer.Slot);
        }

        _free.Push(peer.Slot);
        peer.Slot = -1;
    }

    /// <summary>Keeps something for each peer that comes; to be asked for before there are peers.</summary>
    public void Keep(IKept kept) => _kept.Add(kept);

    /// <summary>How many peers of a list in order of id have a lower one.</summary>
    public static int CountBelow(List<Peer> sorted, Key id)
    {
        int index = CollectionsMarshal.AsSpan(sorted).BinarySearch(new Place(id));
        return index < 0 ? ~index : index;
    }

    private readonly record struct Place(Key Id) : IComparable<Peer>
    {
        public int CompareTo(Peer? other) => Id.CompareTo(other!.Id);
    }
}
