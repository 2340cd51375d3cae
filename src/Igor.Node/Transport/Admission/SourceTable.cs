using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Igor.Node.Transport.Admission;

/// <summary>
/// What waits, by the address that it came from, so that no address can take what others need. Many stand
/// behind one address, so that nobody is refused for it: what has waited longest gives way. Not thread-safe.
/// </summary>
/// <typeparam name="T">What waits.</typeparam>
internal sealed class SourceTable<T>
    where T : class
{
    private readonly Dictionary<IPAddress, Source> _sources = [];
    private readonly LinkedList<Source> _turns = new();
    private readonly Dictionary<T, LinkedListNode<T>> _places = [];

    /// <summary>How many wait.</summary>
    public int Count => _places.Count;

    /// <summary>How many wait of the source that has most.</summary>
    public int LargestCount => Largest()?.Items.Count ?? 0;

    /// <summary>Adds one, the newest of its source.</summary>
    public void Add(IPAddress source, T item)
    {
        if (!_sources.TryGetValue(source, out Source? of))
        {
            of = new Source(source);
            _sources.Add(source, of);
            of.Turn = _turns.AddLast(of);
        }

        _places.Add(item, of.Items.AddLast(item));
    }

    /// <summary>Takes one out.</summary>
    /// <returns>False when it is not there any more.</returns>
    public bool Remove(IPAddress source, T item)
    {
        if (!_places.Remove(item, out LinkedListNode<T>? place))
        {
            return false;
        }

        Source of = _sources[source];
        of.Items.Remove(place);
        if (of.Items.Count == 0)
        {
            _sources.Remove(source);
            _turns.Remove(of.Turn!);
        }

        return true;
    }

    /// <summary>
    /// Takes one from each source in turn: from each by turns the newest, whose other end is most likely
    /// still there and which has its turn at once when the others came in a crowd before it, and the oldest
    /// of those that are fresh, so that none waits for ever below those that keep coming.
    /// </summary>
    /// <param name="isFresh">Whether one came a moment ago; those after it did too.</param>
    /// <param name="item">The one that was taken.</param>
    public bool TryTakeNext(Predicate<T> isFresh, [NotNullWhen(true)] out T? item)
    {
        item = null;
        if (_turns.First?.Value is not { } source)
        {
            return false;
        }

        _turns.RemoveFirst();
        source.Turn = _turns.AddLast(source);
        source.TakesNewest = !source.TakesNewest;
        LinkedListNode<T> next = source.Items.Last!;
        while (!source.TakesNewest && next.Previous is { } before && isFresh(before.Value))
        {
            next = before;
        }

        item = next.Value;
        Remove(source.Address, item);
        return true;
    }

    /// <summary>Takes the one that has waited longest of the source that has most.</summary>
    public bool TryEvict([NotNullWhen(true)] out T? item)
    {
        Source? largest = Largest();
        item = largest?.Items.First!.Value;
        return item is not null && Remove(largest!.Address, item);
    }

    /// <summary>All that wait.</summary>
    public T[] Snapshot() => [.. _places.Keys];

    private Source? Largest()
    {
        Source? largest = null;
        foreach (Source source in _turns)
        {
            if (largest is null || source.Items.Count > largest.Items.Count)
            {
                largest = source;
            }
        }

        return largest;
    }

    private sealed class Source(IPAddress address)
    {
        public IPAddress Address { get; } = address;

        public LinkedList<T> Items { get; } = new();

        public LinkedListNode<Source>? Turn { get; set; }

        public bool TakesNewest { get; set; }
    }
}
