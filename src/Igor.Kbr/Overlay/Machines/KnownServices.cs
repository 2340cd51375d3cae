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

    /// <summary>The version that is known; 0 when none is.</summary>
    public ulong Version { get; private set; }

    /// <summary>The services in order of id.</summary>
    public IEnumerable<ServiceId> InOrder => _running.Select(id => new ServiceId(id));

    public bool Contains(ServiceId service) => Array.BinarySearch(_running, service.Value) >= 0;

    /// <summary>Most peers run the same: they have one list in memory.</summary>
    public void ShareWith(KnownServices other) =>
        _running = _running.AsSpan().SequenceEqual(other._running) ? other._running : _running;

    /// <summary>
    /// Takes a change. Returns the services that the peer runs now and did not, or the other way round, in
    /// order of id; null when the change does not follow on what is known.
    /// </summary>
    public List<ServiceId>? Apply(in ServicesMessage change)
    {
        bool isOld = change.IsWhole
            ? change.To < Version && change.Added.Length < ServicesMessage.ChangesMax
            : change.To <= Version;
        if (isOld || change.From > Version)
        {
            return null;
        }

        UInt128[] before = _running;
        IEnumerable<UInt128> kept =
            change.IsWhole ? [] : before.Except(change.Removed.Select(id => id.Value));
        IEnumerable<UInt128> running = kept.Concat(change.Added.Select(id => id.Value));
        _running = [.. running.Distinct().Take(WireLimits.ServicesMax).Order()];
        Version = change.To;
        IEnumerable<UInt128> changed = before.Except(_running).Concat(_running.Except(before));
        return [.. changed.Order().Select(id => new ServiceId(id))];
    }
}
