using Igor.Kbr;

namespace Igor.Node;

/// <summary>The requests of local applications that have not ended. Used on the strand only.</summary>
internal sealed class OpenRequests
{
    private readonly Dictionary<RequestId, (LocalService Service, Action<KbrReply> Completed)> _open = [];
    private long _last;

    /// <summary>Notes a request and names it.</summary>
    public RequestId Add(LocalService service, Action<KbrReply> completed)
    {
        var request = new RequestId(++_last);
        _open.Add(request, (service, completed));
        return request;
    }

    /// <summary>Takes out a request that ended; null when it ended before.</summary>
    public (LocalService Service, Action<KbrReply> Completed)? Take(RequestId request) =>
        _open.Remove(request, out (LocalService Service, Action<KbrReply> Completed) found) ? found : null;

    /// <summary>Takes out all requests of a handle, oldest first.</summary>
    public IReadOnlyList<Action<KbrReply>> TakeAll(LocalService service)
    {
        List<RequestId> mine =
        [
            .. _open.Where(open => open.Value.Service == service)
                .Select(open => open.Key)
                .OrderBy(id => id.Value),
        ];
        return [.. mine.Select(request => Take(request)!.Value.Completed)];
    }
}
