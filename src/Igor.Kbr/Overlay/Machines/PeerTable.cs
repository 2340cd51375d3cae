using System.Diagnostics.CodeAnalysis;

namespace Igor.Kbr.Overlay.Machines;

/// <summary>
/// The connected peers, by id, and a list in order of id for every walk whose order can show.
/// </summary>
internal sealed class PeerTable
{
    private readonly Dictionary<Key, Peer> _byId = [];
    private readonly List<Peer> _sorted = [];

    public int Count => _sorted.Count;

    /// <summary>
    /// All peers in order of id. Do not add or remove while walking it; take <see cref="Snapshot"/>.
    /// </summary>
    public List<Peer> All => _sorted;

    public Peer[] Snapshot() => [.. _sorted];

    public bool TryGet(Key id, [NotNullWhen(true)] out Peer? peer) => _byId.TryGetValue(id, out peer);

    public bool Contains(Key id) => _byId.ContainsKey(id);

    public void Add(Peer peer)
    {
        _byId.Add(peer.Id, peer);
        _sorted.Insert(~IndexOf(peer.Id), peer);
    }

    public void Remove(Peer peer)
    {
        if (_byId.Remove(peer.Id))
        {
            _sorted.RemoveAt(IndexOf(peer.Id));
        }
    }

    private int IndexOf(Key id)
    {
        int low = 0;
        int high = _sorted.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int order = _sorted[middle].Id.CompareTo(id);
            if (order == 0)
            {
                return middle;
            }

            if (order < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return ~low;
    }
}
