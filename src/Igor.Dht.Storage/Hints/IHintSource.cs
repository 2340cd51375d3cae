using Igor.Dht.Protocol.Index;
using Igor.Kbr;

namespace Igor.Dht.Storage.Hints;

/// <summary>What stands in one segment, by key and in the order of the log.</summary>
internal interface IHintSource
{
    /// <summary>The segment.</summary>
    int Segment { get; }

    /// <summary>The types that the entries' numbers stand for.</summary>
    List<string> Types { get; }

    /// <summary>The owners that the entries' numbers, less one, stand for.</summary>
    List<Key> Owners { get; }

    /// <summary>The present entry.</summary>
    ref readonly RecordSlot Current { get; }

    /// <summary>Moves to the next entry; false at the end.</summary>
    /// <exception cref="HintDamagedException">The next entries are damaged.</exception>
    bool MoveNext();
}
