using Igor.Kbr;

namespace Igor.Client;

/// <summary>
/// Requests of one connection that wait for their end. The daemon ends each in time; for a daemon that hangs,
/// a timer that runs only while something is open ends them a little later.
/// </summary>
internal sealed class SentRequests : IDisposable
{
    private static readonly TimeSpan CheckPeriod = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly Dictionary<long, OpenRequest> _open = [];
    private readonly UpcallGate _gate;
    private readonly Action<long> _cancel;
    private readonly int _capacity;
    private Timer? _timer;
    private long _lastId;
    private bool _isClosed;

    /// <summary>Makes an empty table.</summary>
    /// <param name="gate">Runs the callbacks.</param>
    /// <param name="cancel">Tells the daemon that a result is no longer wanted.</param>
    /// <param name="capacity">Most requests at once.</param>
    public SentRequests(UpcallGate gate, Action<long> cancel, int capacity)
    {
        _gate = gate;
        _cancel = cancel;
        _capacity = capacity;
    }

    /// <summary>How long after its deadline a request is ended here.</summary>
    public static TimeSpan Grace { get; } = TimeSpan.FromSeconds(1);

    /// <summary>Adds a request; its number, or why it cannot be made.</summary>
    public KbrStatus TryAdd(ClientService service, TimeSpan timeout, Action<KbrReply> completed, out long id)
    {
        long deadline = Environment.TickCount64 + (long)(timeout + Grace).TotalMilliseconds;
        lock (_lock)
        {
            id = 0;
            if (_isClosed)
            {
                return KbrStatus.Closed;
            }

            if (_open.Count >= _capacity)
            {
                return KbrStatus.Overloaded;
            }

            id = ++_lastId;
            _open.Add(id, new OpenRequest(service, deadline, completed));
            _timer ??= new Timer(
                static state => ((SentRequests)state!).EndOverdue(), this, CheckPeriod, CheckPeriod);
            return KbrStatus.Ok;
        }
    }

    /// <summary>Ends a request with a reply, on this thread; nothing happens when it has ended.</summary>
    public void Complete(long id, in KbrReply reply)
    {
        if (Take(id) is { } request)
        {
            _gate.End(request.Service.Name, request.Completed, reply);
        }
    }

    /// <summary>Removes a request without calling back; false when it has ended.</summary>
    public bool TryRemove(long id) => Take(id) is not null;

    /// <summary>Ends the requests of a subscription.</summary>
    public void Close(int subscription) => EndAll(
        request => request.Service.Subscription == subscription, KbrStatus.Closed, cancel: true);

    /// <summary>Ends all requests, and refuses new ones.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isClosed = true;
        }

        EndAll(static _ => true, KbrStatus.Closed, cancel: false);
    }

    private OpenRequest? Take(long id)
    {
        lock (_lock)
        {
            if (!_open.Remove(id, out OpenRequest? request))
            {
                return null;
            }

            return request;
        }
    }

    private void EndOverdue()
    {
        long now = Environment.TickCount64;
        EndAll(request => request.Deadline <= now, KbrStatus.Timeout, cancel: true);
    }

    private void EndAll(Func<OpenRequest, bool> ends, KbrStatus status, bool cancel)
    {
        List<KeyValuePair<long, OpenRequest>> ended;
        lock (_lock)
        {
            ended = [.. _open.Where(entry => ends(entry.Value)).OrderBy(entry => entry.Key)];
            foreach (KeyValuePair<long, OpenRequest> entry in ended)
            {
                _open.Remove(entry.Key);
            }

            if (_open.Count == 0)
            {
                _timer?.Dispose(); // an idle client wakes nobody
                _timer = null;
            }
        }

        foreach ((long id, OpenRequest request) in ended)
        {
            if (cancel)
            {
                _cancel(id);
            }

            _gate.End(request.Service.Name, request.Completed, KbrReply.Failed(status));
        }
    }

    private sealed record OpenRequest(ClientService Service, long Deadline, Action<KbrReply> Completed);
}
