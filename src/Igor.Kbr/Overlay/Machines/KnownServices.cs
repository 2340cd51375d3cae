using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Machines;

/// <summary>
/// What one peer runs, as far as it was heard: a version, and the services in order of id. Changes that do
/// not follow on what is known, since one before them was lost, are not taken: they are asked for again. Nor
/// is what is older, as what was on its way over another link; but the first part of a list from its
/// beginning may lead to less than what was known.
/// </summary>
internal sealed class KnownServices
{
    private UInt128[] _running = [];

    public ulong Version { get; private set; }

    public IEnumerable<ServiceId> InOrder => _running.Select(id => new ServiceId(id));

    public bool Contains(ServiceId service) => Array.BinarySearch(_running, service.Value) >= 0;

    /// <summary>Most peers run the same: they have one list in memory.</summary>
    public void ShareWith(KnownServices other) =>
        _running = _running.AsSpan().SequenceEqual(other._running) ? other._running : _running;

    /// <summary>
    /// Takes a change, or a part of one that is longer than any honest peer's: then the version stays behind,
    /// and what is missing is taken when that is told again. Returns the services that the peer runs now and
    /// did not, or the other way round, in order of id; null when the change does not follow on what is
    /// known.
    /// </summary>
    public List<ServiceId>? Apply(in ServicesMessage change)
    {
        const int most = ServicesMessage.ChangesMax;
        bool isOld = change.IsWhole
            ? change.To == 0 || (change.To < Version && change.Added.Length < most)
            : change.To <= Version;
        if (isOld || change.From > Version)
        {
            return null;
        }

        // Looks no further than to the first that is too much.
        ImmutableArray<ServiceId> added = change.Added;
        IEnumerable<ServiceId> gone = change.IsWhole ? InOrder : change.Removed;
        List<ServiceId> changed =
            [.. gone.Where(id => Contains(id) && !added.Contains(id)).Distinct().Take(most + 1)];
        int room = WireLimits.ServicesMax - _running.Length + changed.Count;
        changed.AddRange(
            added.Where(id => !Contains(id)).Distinct().Take(Math.Min(room, most + 1 - changed.Count)));
        Version = changed.Count <= most ? change.To : change.From;
        changed = [.. changed.Take(most).OrderBy(id => id.Value)];

        var running = new List<UInt128>(_running.Length + changed.Count);
        int taken = 0;
        foreach (ServiceId id in changed)
        {
            int at = Array.BinarySearch(_running, id.Value);
            running.AddRange(_running.AsSpan(taken..(at < 0 ? ~at : at)));
            running.AddRange(at < 0 ? [id.Value] : []);
            taken = at < 0 ? ~at : at + 1;
        }

        running.AddRange(_running.AsSpan(taken..));
        _running = changed.Count == 0 ? _running : [.. running];
        return changed;
    }
}
