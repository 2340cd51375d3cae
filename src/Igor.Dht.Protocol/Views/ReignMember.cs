using Igor.Kbr;

namespace Igor.Dht.Protocol.Views;

/// <summary>What a coordinator knows of one voter, or of one who is to become a voter.</summary>
internal sealed class ReignMember(Voter id)
{
    /// <summary>More keys than this are not counted one by one: the whole piece is compared again.</summary>
    private const int OwedMax = 256;

    /// <summary>
    /// Of a lease that was granted, what two clocks that differ by 1% each leave to its holder.
    /// </summary>
    private const double LeaseCounted = 0.98;

    private readonly SortedDictionary<Key, RegisterVersion> _owed = [];

    /// <summary>Who it is.</summary>
    public Voter Id { get; } = id;

    /// <summary>
    /// Whether it promised the ballot, so that what it holds changes by this coordinator only.
    /// </summary>
    public bool IsPromised { get; set; }

    /// <summary>
    /// Whether its registers were made those of the coordinator; what came since may be owed.
    /// </summary>
    public bool IsInstalled { get; set; }

    /// <summary>Whether it stands with the coordinator: only then what it acknowledges counts.</summary>
    public bool IsStanding { get; set; }

    /// <summary>Whether it accepted the view that is proposed as the next.</summary>
    public bool HasAdopted { get; set; }

    /// <summary>Whether it knows the view that is served.</summary>
    public bool KnowsView { get; set; }

    /// <summary>Until when it promises nobody else anything, by the coordinator's clock.</summary>
    public TimeSpan LeaseUntil { get; private set; } = TimeSpan.MinValue;

    /// <summary>Whether it stands and lacks nothing that is committed.</summary>
    public bool LacksNothing => IsStanding && IsInstalled && _owed.Count == 0;

    /// <summary>Keys whose last committed version it did not acknowledge.</summary>
    public IReadOnlyCollection<Key> Owed => _owed.Keys;

    /// <summary>A version was committed without it.</summary>
    public void Owe(Key key, RegisterVersion version)
    {
        _owed[key] = version;
        if (_owed.Count > OwedMax)
        {
            _owed.Clear();
            IsInstalled = false;
        }
    }

    /// <summary>It holds a version.</summary>
    public void Acknowledge(Key key, RegisterVersion version)
    {
        if (_owed.TryGetValue(key, out RegisterVersion owed) && version >= owed)
        {
            _owed.Remove(key);
        }
    }

    /// <summary>
    /// It granted a lease. That counts from when it was asked for: it cannot have been granted before.
    /// </summary>
    public void Lease(TimeSpan sentAt, TimeSpan length)
    {
        TimeSpan until = sentAt + (length * LeaseCounted);
        LeaseUntil = until > LeaseUntil ? until : LeaseUntil;
    }
}
