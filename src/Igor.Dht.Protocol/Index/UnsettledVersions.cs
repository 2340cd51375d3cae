using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Index;

/// <summary>
/// Keys of which this node, as their root, holds a version that may not be on a majority of their replicas:
/// a put is under way, ended with too few copies, or the version was learned from one replica. Told alone,
/// such a version could be read, and be gone with this node: until it is confirmed the replicas are asked.
/// </summary>
internal sealed class UnsettledVersions
{
    /// <summary>
    /// Most keys remembered, some 8 MB; with more, all keys count until all have their copies.
    /// </summary>
    public const int KeysMax = 65536;

    private readonly Dictionary<Key, Entry> _entries = [];
    private bool _hasForgotten;

    /// <summary>Whether there is none.</summary>
    public bool IsEmpty => _entries.Count == 0 && !_hasForgotten;

    /// <summary>Whether what is held of a key may be on too few nodes.</summary>
    public bool Contains(Key key) => _hasForgotten || (_entries.Count > 0 && _entries.ContainsKey(key));

    /// <summary>A version is being written: a put's, or what another node gave.</summary>
    public void Begin(Key key, RecordVersion version)
    {
        if (_entries.TryGetValue(key, out Entry entry) && entry.Version > version)
        {
            return;
        }

        if (_entries.Count >= KeysMax)
        {
            _hasForgotten = true;
            DropEnded();
        }

        _entries[key] = new Entry(version, IsUnderWay: true);
    }

    /// <summary>
    /// The put of a version ended, however it did; or others near are going to be given it.
    /// </summary>
    public void End(Key key, RecordVersion version)
    {
        if (_entries.TryGetValue(key, out Entry entry) && entry.Version == version)
        {
            _entries[key] = entry with { IsUnderWay = false };
        }
    }

    /// <summary>A version is on a majority of the replicas.</summary>
    public void Confirm(Key key, RecordVersion version)
    {
        if (_entries.TryGetValue(key, out Entry entry) && entry.Version <= version)
        {
            _entries.Remove(key);
        }
    }

    /// <summary>All replicas have all that is here, but for what puts are under way for.</summary>
    public void Clear()
    {
        _hasForgotten = false;
        DropEnded();
    }

    private void DropEnded()
    {
        foreach ((Key key, Entry entry) in _entries)
        {
            if (!entry.IsUnderWay)
            {
                _entries.Remove(key);
            }
        }
    }

    private readonly record struct Entry(RecordVersion Version, bool IsUnderWay);
}
