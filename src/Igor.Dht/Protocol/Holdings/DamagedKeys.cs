using Igor.Kbr;

namespace Igor.Dht.Protocol;

/// <summary>
/// Keys whose record was here and is damaged: until it has come back, from a replica or a writer, this node's
/// word on them does not count, for it would say "absent" of what it lost.
/// </summary>
internal sealed class DamagedKeys
{
    /// <summary>
    /// Most keys remembered; with more the disk is past saving, and the oldest ones are given up.
    /// </summary>
    private const int KeysMax = 65536;

    private readonly Dictionary<Key, LinkedListNode<Key>> _nodes = [];
    private readonly LinkedList<Key> _byAge = [];

    /// <summary>The keys, the oldest first.</summary>
    public IEnumerable<Key> Keys => _byAge;

    /// <summary>Whether the record of a key is damaged.</summary>
    public bool Contains(Key key) => _nodes.Count > 0 && _nodes.ContainsKey(key);

    /// <summary>The record of a key turned out to be damaged.</summary>
    public void Add(Key key)
    {
        if (_nodes.ContainsKey(key))
        {
            return;
        }

        _nodes.Add(key, _byAge.AddLast(key));
        if (_nodes.Count > KeysMax)
        {
            Remove(_byAge.First!.Value);
        }
    }

    /// <summary>There is a record again; returns whether it was damaged.</summary>
    public bool Remove(Key key)
    {
        if (!_nodes.Remove(key, out LinkedListNode<Key>? node))
        {
            return false;
        }

        _byAge.Remove(node);
        return true;
    }
}
