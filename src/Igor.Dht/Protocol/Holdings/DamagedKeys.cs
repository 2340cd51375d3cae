using Igor.Kbr;

namespace Igor.Dht.Protocol;

/// <summary>
/// Keys whose record was here and is damaged, with the version that was lost: until that or a newer one has
/// come back, from a replica or a writer, this node's word on them does not count, for it would say "absent"
/// of what it lost, or tell an older version.
/// </summary>
internal sealed class DamagedKeys
{
    /// <summary>
    /// Most keys remembered; with more the disk is past saving, and the oldest ones are given up.
    /// </summary>
    private const int KeysMax = 65536;

    private readonly Dictionary<Key, LinkedListNode<KeyVersion>> _nodes = [];
    private readonly LinkedList<KeyVersion> _byAge = [];

    /// <summary>The keys and what was lost of each, the oldest first.</summary>
    public IEnumerable<KeyVersion> Lost => _byAge;

    /// <summary>Whether the record of a key is damaged.</summary>
    public bool Contains(Key key) => _nodes.Count > 0 && _nodes.ContainsKey(key);

    /// <summary>The record of a key turned out to be damaged.</summary>
    /// <param name="key">The key.</param>
    /// <param name="version">The version that is lost; None when it is not known.</param>
    public void Add(Key key, RecordVersion version)
    {
        if (_nodes.TryGetValue(key, out LinkedListNode<KeyVersion>? node))
        {
            if (node.Value.Version < version)
            {
                node.Value = new KeyVersion(key, version);
            }

            return;
        }

        _nodes.Add(key, _byAge.AddLast(new KeyVersion(key, version)));
        if (_nodes.Count > KeysMax)
        {
            Drop(_byAge.First!);
        }
    }

    /// <summary>There is a version of a key; returns whether that makes a loss good.</summary>
    public bool Mend(Key key, RecordVersion version)
    {
        if (!_nodes.TryGetValue(key, out LinkedListNode<KeyVersion>? node) || version < node.Value.Version)
        {
            return false;
        }

        Drop(node);
        return true;
    }

    private void Drop(LinkedListNode<KeyVersion> node)
    {
        _nodes.Remove(node.Value.Key);
        _byAge.Remove(node);
    }
}
