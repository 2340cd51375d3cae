using System.Globalization;
using Igor.Kbr.Tests.Overlay;
using Igor.Kbr.Tests.Wire.Messages;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Transcripts;

/// <summary>Short names in place of ids, services and random numbers.</summary>
internal sealed class TranscriptNames(TestNetwork network) : IMessageNames
{
    private const ulong SmallNumberMax = 9999;

    private static readonly HashSet<string> Dull =
    [
        "versionMin=1", "versionMax=1", "network='igor'", "agent='igor'", "wallClockMs=0ms",
        "features=0", "contacts=[]",
    ];

    private readonly Dictionary<ServiceId, string> _services = new() { [ServiceId.Base] = "base" };
    private readonly Dictionary<ulong, int> _numbers = [];
    private readonly Dictionary<Key, string> _nodes = [];

    /// <summary>Gives a node its letter.</summary>
    public string Add(Key id) => _nodes[id] = ((char)('A' + _nodes.Count)).ToString();

    public void Add(string service) => _services.Add(ServiceId.FromName(service), service);

    public string Of(Key key)
    {
        string? letter = _nodes.GetValueOrDefault(key);
        return letter ?? (key == Key.Zero ? string.Empty : $"{key.ToShortString()}...");
    }

    public string Of(ServiceId service) => _services.GetValueOrDefault(service) ?? service.ToString()[..8];

    /// <summary>A node that is known, and its address too, is its letter.</summary>
    public string Of(Contact contact) =>
        contact.Addresses is [string at] && network.ByAddress.GetValueOrDefault(at)?.Id == contact.Id
            ? Of(contact.Id)
            : $"{Of(contact.Id)}@{string.Join('|', contact.Addresses)}";

    /// <summary>What belongs to an effect.</summary>
    public string OfDetail(object detail) => detail switch
    {
        string text => text,
        NeighbourChange change => Of(change),
        _ => MessageText.OfValue(detail, this),
    };

    /// <summary>A number that was chosen at random, by the order in which they were seen.</summary>
    public string Of(ulong number)
    {
        if (number <= SmallNumberMax)
        {
            return number.ToString(CultureInfo.InvariantCulture);
        }

        _numbers.TryAdd(number, _numbers.Count + 1);
        return $"#{_numbers[number]}";
    }

    /// <summary>What a wall clock shows, by how far it is off.</summary>
    public string OfClock(long unixMs) => unixMs == 0 ? "unknown" : $"{unixMs - network.UnixMs:+0;-0;0}ms";

    public bool IsDull(string field, string value) =>
        field == "frameBytesMax" || Dull.Contains($"{field}={value}");

    private string Of(NeighbourChange change)
    {
        NeighbourSet set = change.Neighbours;
        IEnumerable<string> news =
        [
            .. change.Joined.Select(id => $"+{Of(id)}"),
            .. change.Departed.Select(gone => $"-{Of(gone.Id)} ({gone.Reason})"),
        ];
        return $"{Line(set.CounterClockwise.Reverse())} ({Of(set.Self)}) {Line(set.Clockwise)}"
            + $"{(set.IsMember ? string.Empty : ", not a member")}{(set.IsAlone ? ", alone" : string.Empty)}"
            + $"  {string.Join(' ', news)}";
    }

    private string Line(IEnumerable<Key> ids) => string.Join(' ', ids.Select(Of));
}
