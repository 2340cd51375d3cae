using System.Collections.Immutable;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// The services that this node runs, by version: each change makes a new one. Remembers the last changes, so
/// that a peer that missed some is told the difference, and not the list, which may be long.
/// </summary>
internal sealed class OwnServices
{
    /// <summary>Changes remembered: those of a node that starts with a thousand services.</summary>
    public const int RememberedMax = 1024;

    private readonly SortedSet<UInt128> _running = [];
    private readonly Queue<(ulong Version, ServiceId Service)> _changes = [];

    /// <summary>Grows with every change; 1 is that of a node that runs nothing.</summary>
    public ulong Version { get; private set; } = 1;

    /// <summary>All of them in order of id: the base overlay, whose id is the lowest, first.</summary>
    public ImmutableArray<ServiceId> All => [.. _running.Select(id => new ServiceId(id))];

    /// <summary>
    /// Takes note of what runs now; false when that is not new, or when it is one more than peers accept.
    /// </summary>
    public bool Set(ServiceId service, bool isRunning)
    {
        bool isNew = isRunning
            ? _running.Count < WireLimits.ServicesMax && _running.Add(service.Value)
            : _running.Remove(service.Value);
        if (!isNew)
        {
            return false;
        }

        _changes.Enqueue((++Version, service));
        if (_changes.Count > RememberedMax)
        {
            _changes.Dequeue();
        }

        return true;
    }

    /// <summary>What is new to one who knows that version: the whole list when that is too old.</summary>
    public ServicesMessage Since(ulong version)
    {
        bool isRemembered = version is not 0 && version <= Version
            && Version - version <= (ulong)_changes.Count;
        if (!isRemembered)
        {
            return new ServicesMessage(0, Version, All, []);
        }

        UInt128[] changed =
        [
            .. _changes.Where(c => c.Version > version).Select(c => c.Service.Value).Distinct().Order(),
        ];
        return new ServicesMessage(
            version,
            Version,
            [.. changed.Where(_running.Contains).Select(id => new ServiceId(id))],
            [.. changed.Where(id => !_running.Contains(id)).Select(id => new ServiceId(id))]);
    }
}
