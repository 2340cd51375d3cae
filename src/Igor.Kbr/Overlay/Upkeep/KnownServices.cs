namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// What one peer runs, as far as it was heard: a version, and the services in order of id. Changes that do
/// not follow on what is known, since one before them was lost, are not taken: they are asked for again.
/// </summary>
internal sealed class KnownServices(int servicesMax)
{
    private readonly HashSet<UInt128> _running = [];

    /// <summary>The version that is known; 0 when none is.</summary>
    public ulong Version { get; private set; }

    public int Count => _running.Count;

    public bool Contains(ServiceId service) => _running.Contains(service.Value);

    /// <summary>The services in order of id.</summary>
    public IEnumerable<ServiceId> InOrder => _running.Order().Select(id => new ServiceId(id));

    /// <summary>
    /// Takes a change. Returns the services that the peer runs now and did not, or the other way round, in
    /// order of id; null when the change does not follow on what is known.
    /// </summary>
    public List<ServiceId>? Apply(ServicesChange change)
    {
        if (change.To <= Version || (!change.IsWhole && change.From > Version))
        {
            return null;
        }

        var changed = new SortedSet<UInt128>();
        if (change.IsWhole)
        {
            HashSet<UInt128> whole = [.. change.Added.Take(servicesMax).Select(id => id.Value)];
            changed.UnionWith(_running.Where(id => !whole.Contains(id)));
            changed.UnionWith(whole.Where(id => !_running.Contains(id)));
            _running.Clear();
            _running.UnionWith(whole);
        }
        else
        {
            foreach (ServiceId id in change.Removed)
            {
                if (_running.Remove(id.Value))
                {
                    changed.Add(id.Value);
                }
            }

            foreach (ServiceId id in change.Added)
            {
                if (_running.Count < servicesMax && _running.Add(id.Value))
                {
                    changed.Add(id.Value);
                }
            }
        }

        Version = change.To;
        return [.. changed.Select(id => new ServiceId(id))];
    }
}
