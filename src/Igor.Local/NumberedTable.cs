using System.Diagnostics.CodeAnalysis;

namespace Igor.Local;

/// <summary>
/// Things that the other end may come back to by number: counted up from 1, bounded; the oldest makes room.
/// Callers see to it that one thread at a time uses it.
/// </summary>
internal sealed class NumberedTable<T>(int capacity)
    where T : notnull
{
    private readonly Dictionary<long, T> _items = [];
    private long _oldest = 1; // no number below is in use
    private long _last;

    /// <summary>Number of things.</summary>
    public int Count => _items.Count;

    /// <summary>Adds a thing.</summary>
    /// <param name="item">The thing.</param>
    /// <param name="evicted">What made room for it, if anything.</param>
    /// <returns>Its number.</returns>
    public long Add(T item, out T? evicted)
    {
        evicted = default;
        while (_items.Count >= capacity && !_items.Remove(_oldest++, out evicted))
        {
            // Numbers that were taken meanwhile leave gaps; each is passed once.
        }

        _items.Add(++_last, item);
        return _last;
    }

    /// <summary>Removes the thing of that number.</summary>
    public bool TryTake(long number, [MaybeNullWhen(false)] out T item) => _items.Remove(number, out item);

    /// <summary>Removes everything.</summary>
    public IReadOnlyList<T> TakeAll()
    {
        T[] items = [.. _items.OrderBy(entry => entry.Key).Select(entry => entry.Value)];
        _items.Clear();
        return items;
    }
}
