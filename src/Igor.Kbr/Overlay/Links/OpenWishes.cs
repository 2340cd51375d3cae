namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// What is being dialled or waits to be, by address, by node and by who told of it: what peers tell asks for
/// each of them about each contact.
/// </summary>
internal sealed class OpenWishes
{
    private readonly HashSet<string> _addresses = [];
    private readonly Dictionary<Key, int> _expected = [];
    private readonly Dictionary<Key, int> _toldUnasked = [];

    public bool IsEmpty => _addresses.Count == 0;

    public bool Contains(string address) => _addresses.Contains(address);

    public bool AreFor(Key node) => _expected.ContainsKey(node);

    /// <summary>How many are open that this peer told of unasked.</summary>
    public int CountOf(Key teller) => _toldUnasked.GetValueOrDefault(teller);

    public void Add(in Dialer.Wish wish)
    {
        _addresses.UnionWith(wish.Addresses);
        Count(wish, 1);
    }

    public void Remove(in Dialer.Wish wish)
    {
        _addresses.ExceptWith(wish.Addresses);
        Count(wish, -1);
    }

    private void Count(in Dialer.Wish wish, int more)
    {
        if (wish.Expected is { } node)
        {
            Add(_expected, node, more);
        }

        if (wish.Teller is { WasAsked: false } teller)
        {
            Add(_toldUnasked, teller.Id, more);
        }
    }

    public static void Add(Dictionary<Key, int> counts, Key key, int more)
    {
        counts[key] = counts.GetValueOrDefault(key) + more;
        if (counts[key] == 0)
        {
            counts.Remove(key);
        }
    }
}
