namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// Why the addresses that a node tries led nowhere, for people: kept for those that it was given or knows,
/// the last cause for each.
/// </summary>
internal sealed class ReachLog
{
    /// <summary>As many as there can be: what is given, and four addresses of each known member.</summary>
    private const int CausesMax = 512;

    /// <summary>More would not be read.</summary>
    private const int ToldMax = 3;

    private readonly Dictionary<string, string> _causes = [];

    /// <summary>An attempt led nowhere; what is not tried any more makes room.</summary>
    public void Note(string address, string cause, Predicate<string> isTried)
    {
        if (_causes.Count >= CausesMax)
        {
            foreach (string gone in _causes.Keys.Where(known => !isTried(known)).ToArray())
            {
                _causes.Remove(gone);
            }
        }

        if (_causes.Count < CausesMax || _causes.ContainsKey(address))
        {
            _causes[address] = cause;
        }
    }

    /// <summary>The address answers as it should.</summary>
    public void Clear(string address) => _causes.Remove(address);

    /// <summary>One line: the causes for these addresses, the same ones together.</summary>
    public string Describe(IEnumerable<string> addresses)
    {
        string[] all = [.. addresses.Distinct()];
        var told = all.GroupBy(address => _causes.GetValueOrDefault(address, "no answer"))
            .Select(group => $"{group.Key} at {Listed([.. group])}")
            .ToList();
        return string.Join("; ", told);
    }

    private static string Listed(string[] addresses) => addresses.Length <= ToldMax
        ? string.Join(", ", addresses)
        : $"{string.Join(", ", addresses.Take(ToldMax))} and {addresses.Length - ToldMax} more";
}
