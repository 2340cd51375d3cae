namespace Igor.Kbr.Overlay.Machines;

/// <summary>
/// What one machine keeps for each connected peer: an array by the small number that the peer has while it is
/// connected (<see cref="Peer.Slot"/>), so that reading costs no search. Begins anew with each peer.
/// </summary>
internal sealed class PerPeer<T> : PeerTable.IKept
{
    private readonly Func<T> _first;
    private T[] _items = [];

    /// <summary>Keeps for each peer that comes what is made for it then.</summary>
    public PerPeer(PeerTable peers, Func<T> first)
    {
        _first = first;
        peers.Keep(this);
    }

    /// <summary>What is kept for a peer that is connected.</summary>
    public ref T this[Peer peer] => ref _items[peer.Slot];

    void PeerTable.IKept.Begin(int slot)
    {
        if (slot >= _items.Length)
        {
            // By a quarter: a dozen of these double what most nodes need otherwise.
            Array.Resize(ref _items, Math.Max(slot + 1, _items.Length + 4 + (_items.Length / 4)));
        }

        _items[slot] = _first();
    }

    void PeerTable.IKept.End(int slot) => _items[slot] = default!;
}
