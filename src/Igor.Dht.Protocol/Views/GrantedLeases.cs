using Igor.Dht.Protocol.Ring;

namespace Igor.Dht.Protocol.Views;

/// <summary>
/// The leases that a voter granted (Gray and Cheriton, 1989): until one ends, nobody but its holder is
/// promised any of its keys. They are in memory only: a voter that started lately does not know what it
/// granted before, and waits until that has ended.
/// </summary>
internal sealed class GrantedLeases(TimeSpan startedAt)
{
    /// <summary>No lease is longer.</summary>
    public static readonly TimeSpan LengthMax = TimeSpan.FromSeconds(2);

    private const int LeasesMax = 1024;
    private readonly TimeSpan _quietUntil = startedAt + LengthMax;
    private readonly Dictionary<(KeySpan Span, Ballot Holder), TimeSpan> _until = [];

    /// <summary>Whether leases may run that were granted before the start.</summary>
    public bool IsQuiet(TimeSpan now) => now < _quietUntil;

    /// <summary>
    /// Grants a lease, and returns how long it lasts from now; 0 when it cannot be granted.
    /// </summary>
    public TimeSpan Grant(TimeSpan now, KeySpan span, Ballot holder, TimeSpan length)
    {
        if (_until.Count >= LeasesMax)
        {
            RemoveEnded(now);
        }

        TimeSpan granted = length < LengthMax ? length : LengthMax;
        bool isKnown = _until.TryGetValue((span, holder), out TimeSpan until);
        if (granted <= TimeSpan.Zero || (!isKnown && _until.Count >= LeasesMax))
        {
            return TimeSpan.Zero;
        }

        _until[(span, holder)] = isKnown && until > now + granted ? until : now + granted;
        return granted;
    }

    /// <summary>Whether a lease runs on some of the keys.</summary>
    public bool IsRunning(TimeSpan now, KeySpan span) => _until.Any(lease => now < lease.Value
        && lease.Key.Span.First <= span.Last && lease.Key.Span.Last >= span.First);

    /// <summary>A holder gave its lease back.</summary>
    public void End(KeySpan span, Ballot holder) => _until.Remove((span, holder));

    private void RemoveEnded(TimeSpan now)
    {
        foreach ((KeySpan, Ballot) ended in _until.Where(l => l.Value <= now).Select(l => l.Key).ToList())
        {
            _until.Remove(ended);
        }
    }
}
