using Igor.Simulation.Engine;

namespace Igor.Simulation.Checks;

/// <summary>What the checkers found; at most a few of each kind are kept, all are counted.</summary>
public sealed class ViolationLog
{
    private const int KeptPerChecker = 20;
    private readonly SimulationEngine _engine;
    private readonly List<Violation> _kept = [];
    private readonly SortedDictionary<string, int> _counts = new(StringComparer.Ordinal);

    /// <summary>Makes an empty log.</summary>
    public ViolationLog(SimulationEngine engine) => _engine = engine;

    /// <summary>Number of violations.</summary>
    public int Count { get; private set; }

    /// <summary>The violations that were kept, then one line for each checker that found more.</summary>
    public IReadOnlyList<Violation> All =>
    [
        .. _kept,
        .. _counts.Where(pair => pair.Value > KeptPerChecker).Select(pair =>
            new Violation(pair.Key, _engine.Now, $"and {pair.Value - KeptPerChecker} more")),
    ];

    /// <summary>Adds one.</summary>
    public void Add(string checker, string text)
    {
        ArgumentNullException.ThrowIfNull(checker);
        Count++;
        int count = _counts.GetValueOrDefault(checker) + 1;
        _counts[checker] = count;
        if (count <= KeptPerChecker)
        {
            _kept.Add(new Violation(checker, _engine.Now, text));
        }
    }
}
