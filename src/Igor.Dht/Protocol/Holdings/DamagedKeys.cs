using Igor.Kbr;

namespace Igor.Dht.Protocol;

/// <summary>
/// Keys whose record was here and is damaged: until it has come back, from a replica or a writer, this node's
/// word
/// on them does not count, for it would say "absent" of what it lost.
/// </summary>
internal sealed class DamagedKeys
{
    /// <summary>
    /// Most keys remembered; with more the disk is past saving, and the oldest ones are given up.
    /// </summary>
    private const int KeysMax = 65536;

    private readonly HashSet<Key> _keys = [];
    private readonly Queue<Key> _order = [];

    /// <summary>Whether the record of a key is damaged.</summary>
    public bool Contains(Key key) => _keys.Count > 0 && _keys.Contains(key);

    /// <summary>The record of a key turned out to be damaged.</summary>
    public void Add(Key key)
    {
        if (!_keys.Add(key))
        {
            return;
        }

        _order.Enqueue(key);
        if (_order.Count > KeysMax)
        {
            _keys.Remove(_order.Dequeue());
        }
    }

    /// <summary>There is a record again.</summary>
    public void Remove(Key key) => _keys.Remove(key);
}
