using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Hosting;

/// <summary>The requests of local applications that have not ended.</summary>
/// <typeparam name="TService">The host's handles.</typeparam>
internal sealed class OpenRequests<TService>
    where TService : AttachedService
{
    private readonly Dictionary<RequestId, Open> _open = [];
    private long _last;

    /// <summary>How many there are.</summary>
    public int Count => _open.Count;

    /// <summary>Notes a request and names it.</summary>
    public RequestId Add(in Open request)
    {
        var name = new RequestId(++_last);
        _open.Add(name, request);
        return name;
    }

    /// <summary>Takes out a request that ended; false when it ended before.</summary>
    public bool TryTake(RequestId name, out Open request) => _open.Remove(name, out request);

    /// <summary>Takes out all requests of a handle, oldest first.</summary>
    public IReadOnlyList<Open> TakeAll(TService service)
    {
        (RequestId Name, Open Request)[] taken =
        [
            .. _open.Where(open => open.Value.Service == service)
                .OrderBy(open => open.Key.Value)
                .Select(open => (open.Key, open.Value)),
        ];
        Array.ForEach(taken, open => _open.Remove(open.Name));
        return [.. taken.Select(open => open.Request)];
    }

    /// <summary>A request that has not ended.</summary>
    /// <param name="Service">Who asks.</param>
    /// <param name="Completed">Who hears of its end.</param>
    /// <param name="HeldBytes">What the host holds for it until then.</param>
    public readonly record struct Open(TService Service, Action<KbrReply> Completed, int HeldBytes);
}
