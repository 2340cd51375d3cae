using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;

namespace Igor.Node.Applications;

/// <summary>The requests of local applications that have not ended. Used on the strand only.</summary>
internal sealed class OpenRequests
{
    private readonly Dictionary<RequestId, Open> _open = [];
    private long _last;

    /// <summary>Notes a request and names it.</summary>
    /// <param name="service">Who asks.</param>
    /// <param name="completed">Who hears of its end.</param>
    /// <param name="heldBytes">What is held for it until then, of the service's account.</param>
    public RequestId Add(LocalService service, Action<KbrReply> completed, int heldBytes)
    {
        var request = new RequestId(++_last);
        _open.Add(request, new Open(service, completed, heldBytes));
        return request;
    }

    /// <summary>Takes out a request that ended; null when it ended before.</summary>
    public (LocalService Service, Action<KbrReply> Completed)? Take(RequestId request)
    {
        if (!_open.Remove(request, out Open found))
        {
            return null;
        }

        found.Service.Account.Return(found.HeldBytes);
        return (found.Service, found.Completed);
    }

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

    private readonly record struct Open(LocalService Service, Action<KbrReply> Completed, int HeldBytes);
}
