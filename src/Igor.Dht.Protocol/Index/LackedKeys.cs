using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Index;

/// <summary>
/// Keys of which a version exists that is not here, with that version: it was here and is damaged, or others
/// hold it and it could not be stored here. Until it or a newer one is here, from a replica or a writer, this
/// node's word on the key does not count, for it would say "absent" of what it lacks, or tell an older
/// version.
/// </summary>
/// <param name="rank">What a version counts as, at the time of the call.</param>
internal sealed class LackedKeys(Func<RecordVersion, RecordVersion> rank)
{
    /// <summary>
    /// Most keys remembered, some 10 MB; with more the node's word counts for no key any more, until it is
    /// started again.
    /// </summary>
    public const int KeysMax = 65536;

    private readonly Dictionary<Key, LinkedListNode<Lack>> _nodes = [];
    private readonly LinkedList<Lack> _byAge = [];

    /// <summary>The keys and what is lacked of each, the oldest first.</summary>
    public IEnumerable<KeyVersion> All => _byAge.Select(lack => new KeyVersion(lack.Key, lack.Version));

    /// <summary>
    /// Whether there were more keys than are remembered: any key may be one of those that were forgotten.
    /// </summary>
    public bool HasForgotten { get; private set; }

    /// <summary>What to say of that in a status; null when all are remembered.</summary>
    public Trouble? Trouble => HasForgotten
        ? new Trouble(
            TroubleKinds.Lacking,
            $"more than {KeysMax} records that others hold are not here, more than are remembered, so every "
            + "read asks the other replicas: give the store room, and restart it")
        : null;

    /// <summary>Whether a version of a key may exist that is not here.</summary>
    public bool Contains(Key key) => HasForgotten || (_nodes.Count > 0 && _nodes.ContainsKey(key));

    /// <summary>There is a version of a key that is not here.</summary>
    /// <param name="key">The key.</param>
    /// <param name="version">The version; None when it is not known.</param>
    /// <param name="expiresAtUnixMs">When its record ends; 0 for never, or when it is not known.</param>
    /// <param name="hasEnded">Whether it is no loss any more that a record is not here.</param>
    public void Add(Key key, RecordVersion version, long expiresAtUnixMs, Func<Lack, bool> hasEnded)
    {
        if (_nodes.TryGetValue(key, out LinkedListNode<Lack>? node))
        {
            if (node.Value.Version < version)
            {
                node.Value = new Lack(key, version, expiresAtUnixMs);
            }

            return;
        }

        if (_nodes.Count == KeysMax)
        {
            MakeRoom(hasEnded);
        }

        _nodes.Add(key, _byAge.AddLast(new Lack(key, version, expiresAtUnixMs)));
    }

    /// <summary>
    /// A version of a key is here; returns whether that makes good what was lacked. What turned out to stem
    /// from a wrong clock counts as older than any version of the right time.
    /// </summary>
    public bool Mend(Key key, RecordVersion version)
    {
        if (!_nodes.TryGetValue(key, out LinkedListNode<Lack>? node) || version < rank(node.Value.Version))
        {
            return false;
        }

        Drop(node);
        return true;
    }

    private void MakeRoom(Func<Lack, bool> hasEnded)
    {
        if (!HasForgotten)
        {
            for (LinkedListNode<Lack>? node = _byAge.First, next; node is not null; node = next)
            {
                next = node.Next;
                if (hasEnded(node.Value))
                {
                    Drop(node);
                }
            }
        }

        if (_nodes.Count == KeysMax)
        {
            HasForgotten = true;
            Drop(_byAge.First!);
        }
    }

    private void Drop(LinkedListNode<Lack> node)
    {
        _nodes.Remove(node.Value.Key);
        _byAge.Remove(node);
    }

    /// <summary>A version of a key that is not here, and when its record ends, 0 for never.</summary>
    internal readonly record struct Lack(Key Key, RecordVersion Version, long ExpiresAtUnixMs);
}
