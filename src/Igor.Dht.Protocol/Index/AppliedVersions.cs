using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Index;

/// <summary>
/// The versions that puts gave keys at this root lately. A version names its put: one whose answer was lost
/// comes again with it, and must not be done again when another has taken its place.
/// </summary>
internal sealed class AppliedVersions
{
    /// <summary>How long they are remembered; puts live shorter.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromSeconds(60);

    /// <summary>Most remembered, some 5 MB; the oldest give way.</summary>
    public const int VersionsMax = 16384;

    /// <summary>Most that a record names: a root that is new knows of so many puts before the last.</summary>
    public const int NamedMax = 8;

    private readonly HashSet<KeyVersion> _applied = [];
    private readonly Queue<(KeyVersion Put, TimeSpan At)> _byAge = new();
    private readonly Dictionary<Key, List<RecordVersion>> _last = [];

    /// <summary>Whether a put was done.</summary>
    public bool Contains(Key key, RecordVersion version) => _applied.Contains(new KeyVersion(key, version));

    /// <summary>The last versions of a key, the oldest first.</summary>
    public IReadOnlyList<RecordVersion> LastOf(Key key) => _last.TryGetValue(key, out var last) ? last : [];

    /// <summary>A put was done.</summary>
    public void Add(Key key, RecordVersion version, TimeSpan now)
    {
        while (_byAge.TryPeek(out var oldest)
            && (_byAge.Count >= VersionsMax || oldest.At + Retention <= now))
        {
            KeyVersion put = _byAge.Dequeue().Put;
            Remove(put.Key, put.Version);
        }

        if (!_applied.Add(new KeyVersion(key, version)))
        {
            return;
        }

        _byAge.Enqueue((new KeyVersion(key, version), now));
        if (!_last.TryGetValue(key, out List<RecordVersion>? last))
        {
            _last[key] = last = [];
        }

        if (last.Count == NamedMax)
        {
            last.RemoveAt(0);
        }

        last.Add(version);
    }

    /// <summary>A put is forgotten, or was not done.</summary>
    public void Remove(Key key, RecordVersion version)
    {
        _applied.Remove(new KeyVersion(key, version));
        if (_last.TryGetValue(key, out List<RecordVersion>? last) && last.Remove(version) && last.Count == 0)
        {
            _last.Remove(key);
        }
    }
}
