using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// The services that this node runs, by version: each change makes a new one. What is told is each service's
/// last change since a version that the other knows, the oldest first, so that a list of any length goes in
/// parts, each of which is true by itself, and the next one follows on it.
/// </summary>
internal sealed class OwnServices
{
    /// <summary>Services remembered that do not run any more: those of a node that stops many.</summary>
    public const int StoppedMax = 1024;

    // The last change of each service.
    private readonly SortedDictionary<ulong, (ServiceId Service, bool IsRunning)> _changes = [];
    private readonly Dictionary<ServiceId, ulong> _changedAt = [];
    private ulong _forgotten; // whoever knows an older version may have missed that one stopped

    /// <summary>Grows with every change; 1 is that of a node that runs nothing.</summary>
    public ulong Version { get; private set; } = 1;

    public int Count { get; private set; }

    /// <summary>All of them in order of id: the base overlay, whose id is the lowest, first.</summary>
    public ImmutableArray<ServiceId> All =>
        [.. _changes.Values.Where(c => c.IsRunning).Select(c => c.Service).OrderBy(id => id.Value)];

    /// <summary>Takes note of what runs now; false when it did, or is one more than peers accept.</summary>
    public bool Set(ServiceId service, bool isRunning)
    {
        ulong before = _changedAt.GetValueOrDefault(service);
        bool wasRunning = before != 0 && _changes[before].IsRunning;
        if (isRunning == wasRunning || (isRunning && Count == WireLimits.ServicesMax))
        {
            return false;
        }

        _changes.Remove(before);
        _changes.Add(++Version, (service, isRunning));
        _changedAt[service] = Version;
        Count += isRunning ? 1 : -1;
        if (_changes.Count - Count > StoppedMax)
        {
            ForgetOldest();
        }

        return true;
    }

    /// <summary>
    /// Forgets the older half of those that stopped. What runs since before then is a change of now, so that
    /// every part of a list, wherever it is cut, ends at a version that the next part can follow on.
    /// </summary>
    private void ForgetOldest()
    {
        _forgotten = _changes.Where(c => !c.Value.IsRunning).ElementAt((StoppedMax / 2) - 1).Key;
        foreach ((ulong at, (ServiceId service, bool isRunning)) in
            _changes.TakeWhile(c => c.Key <= _forgotten).ToArray())
        {
            _changes.Remove(at);
            _changedAt.Remove(service);
            if (isRunning)
            {
                _changes.Add(++Version, (service, true));
                _changedAt.Add(service, Version);
            }
        }
    }

    /// <summary>
    /// What is new to one who knows that version, or the first part of it: the list from its beginning when
    /// what it knows is too old, or of an earlier run.
    /// </summary>
    public ServicesMessage Since(ulong version)
    {
        ulong from = version < _forgotten || version > Version ? 0 : version;
        var added = ImmutableArray.CreateBuilder<ServiceId>();
        var removed = ImmutableArray.CreateBuilder<ServiceId>();
        foreach ((ulong at, (ServiceId service, bool isRunning)) in _changes)
        {
            if (at <= from || (from == 0 && !isRunning))
            {
                continue;
            }

            if (added.Count + removed.Count == ServicesMessage.ChangesMax)
            {
                return new ServicesMessage(from, at - 1, added.ToImmutable(), removed.ToImmutable());
            }

            (isRunning ? added : removed).Add(service);
        }

        return new ServicesMessage(from, Version, added.ToImmutable(), removed.ToImmutable());
    }
}
