using Igor.Dht.Protocol.Index;
using Igor.Kbr;

namespace Igor.Dht.Storage.Hints;

/// <summary>Goes through the entries of one segment, block by block.</summary>
/// <param name="slots">The first block.</param>
/// <param name="count">Number of entries in it.</param>
/// <param name="readNext">
/// Reads the next block over the one before, and tells how many entries it has, 0 at the end; null when there
/// is none.
/// </param>
internal sealed class HintCursor(RecordSlot[] slots, int count, Func<int>? readNext = null)
{
    private int _at = -1;

    /// <summary>The present entry.</summary>
    public ref readonly RecordSlot Current => ref slots[_at];

    /// <summary>Moves to the next entry; false at the end.</summary>
    /// <exception cref="HintDamagedException">The next entries are damaged.</exception>
    public bool MoveNext()
    {
        if (++_at < count)
        {
            return true;
        }

        _at = 0;
        count = readNext?.Invoke() ?? 0;
        return count > 0;
    }

    /// <summary>Passes over the entries of the present block whose keys are smaller.</summary>
    public HintCursor PassTo(Key first)
    {
        while (_at + 1 < count && slots[_at + 1].Key < first)
        {
            _at++;
        }

        return this;
    }
}
