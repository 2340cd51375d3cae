using Igor.Kbr;

namespace Igor.Dht.Cli.Output;

/// <summary>
/// What serve says of troubles: each kind when it comes, when what there is to say of it changes, and when it
/// is over.
/// </summary>
internal sealed class TroubleNotices
{
    /// <summary>
    /// Looks from one notice of a kind to the next: a text that holds a number may change with each.
    /// </summary>
    private const int LooksBetween = 10;

    private readonly Dictionary<string, (string Text, int Look)> _told = [];
    private int _look;

    /// <summary>All troubles that there are now; others are over.</summary>
    public IReadOnlyList<string> See(IReadOnlyList<Trouble> troubles)
    {
        _look++;
        var lines = new List<string>();
        foreach (Trouble trouble in troubles)
        {
            Tell(trouble, lines);
        }

        foreach (string kind in _told.Keys.Except(troubles.Select(trouble => trouble.Kind)).ToArray())
        {
            _told.Remove(kind);
            lines.Add($"no trouble any more: {kind}");
        }

        return lines;
    }

    /// <summary>Nothing is known of the others but this one, which keeps them out of sight.</summary>
    public IReadOnlyList<string> LoseSight(Trouble cause)
    {
        _look++;
        var lines = new List<string>();
        Tell(cause, lines);
        return lines;
    }

    private void Tell(Trouble trouble, List<string> lines)
    {
        bool isTold = _told.TryGetValue(trouble.Kind, out (string Text, int Look) told)
            && (told.Text == trouble.Text || _look - told.Look < LooksBetween);
        if (!isTold)
        {
            _told[trouble.Kind] = (trouble.Text, _look);
            lines.Add(trouble.Text);
        }
    }
}
