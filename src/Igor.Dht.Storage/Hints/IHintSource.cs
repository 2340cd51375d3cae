using Igor.Kbr;

namespace Igor.Dht.Storage.Hints;

/// <summary>What stands in one segment, by key and in the order of the log. For several threads.</summary>
internal interface IHintSource
{
    /// <summary>The segment.</summary>
    int Segment { get; }

    /// <summary>Number of entries.</summary>
    int Count { get; }

    /// <summary>The types that the entries' numbers stand for.</summary>
    List<string> Types { get; }

    /// <summary>The owners that the entries' numbers, less one, stand for.</summary>
    List<Key> Owners { get; }

    /// <summary>The key of some entry for each so many, in order.</summary>
    /// <exception cref="HintDamagedException">Some entries are damaged.</exception>
    IEnumerable<Key> Sample(int step);

    /// <summary>Begins to go through the entries from a key on.</summary>
    /// <exception cref="HintDamagedException">Some entries are damaged.</exception>
    HintCursor From(Key first);
}
