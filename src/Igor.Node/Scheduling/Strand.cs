using System.Diagnostics;

namespace Igor.Node.Scheduling;

/// <summary>
/// Runs work one piece at a time, without a thread of its own: whoever posts while nobody drains the queue
/// drains it, so an idle node handles a frame on the thread that read it. A drainer that has run long hands
/// the queue over to the thread pool. Work posted from inside the strand is queued, never run at once, so
/// nothing on the strand is ever entered twice. Work of one source runs in the order it was posted; sources
/// take turns by what their work costs. All members are thread-safe.
/// </summary>
public sealed class Strand : IThreadPoolWorkItem
{
    /// <summary>
    /// Pieces of work after which effects go out even though more work waits: bounds their delay.
    /// </summary>
    private const int BatchItemsMax = 32;

    /// <summary>How long one thread drains for others before the thread pool takes over.</summary>
    private static readonly long HandOverTicks = Stopwatch.Frequency / 1000; // 1 ms

    /// <summary>What a source may cost in its turn: some ten small frames.</summary>
    private static readonly long QuantumTicks = Stopwatch.Frequency / 10_000; // 100 us

    private readonly Lock _gate = new();
    private readonly FairQueue<WorkItem> _queue = new(QuantumTicks);
    private readonly Action<Exception> _failed;
    private readonly int _capacity;
    private bool _draining;
    private int _drainerThread;

    /// <summary>Makes an idle strand.</summary>
    /// <param name="failed">Told of an exception that a piece of work threw; the strand goes on.</param>
    /// <param name="capacity">Pieces of work beyond which posting may be refused. At least 1.</param>
    public Strand(Action<Exception> failed, int capacity = 65536)
    {
        ArgumentNullException.ThrowIfNull(failed);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _failed = failed;
        _capacity = capacity;
    }

    /// <summary>
    /// Called on the strand at the end of each batch of work, when effects of the batch should go out. Set
    /// before the first post.
    /// </summary>
    public Action? BatchEnded { get; set; }

    /// <summary>Number of pieces of work that wait.</summary>
    public int QueueLength
    {
        get
        {
            lock (_gate)
            {
                return _queue.Count;
            }
        }
    }

    /// <summary>Whether the calling thread is on the strand now.</summary>
    public bool IsCurrent => Volatile.Read(ref _drainerThread) == Environment.CurrentManagedThreadId;

    /// <summary>
    /// Runs work on the strand: at once when nobody is on it, else later. Never waits and never refuses, so
    /// it is for work that is bounded by its source (one piece for each link, timer, call that waits).
    /// </summary>
    public void Post(Action<object> work, object state)
    {
        ArgumentNullException.ThrowIfNull(work);
        Enqueue(null, new WorkItem(work, state), int.MaxValue);
    }

    /// <summary>
    /// Like <see cref="Post(Action{object}, object)"/>, but refuses when too much waits already.
    /// </summary>
    /// <returns>False when the queue is full; the work will not run.</returns>
    public bool TryPost(Action<object> work, object state)
    {
        ArgumentNullException.ThrowIfNull(work);
        return Enqueue(null, new WorkItem(work, state), _capacity);
    }

    /// <summary>
    /// Like <see cref="Post(Action{object}, object)"/>, for a source that takes turns with others; null is
    /// the node itself.
    /// </summary>
    internal void Post(WorkSource? source, Action<object> work, object state) =>
        Enqueue(source, new WorkItem(work, state), int.MaxValue);

    /// <summary>
    /// Refuses when too much waits, and when a quarter of that is from this source already: one source is no
    /// reason to refuse others.
    /// </summary>
    internal bool TryPost(WorkSource source, Action<object> work, object state) =>
        Enqueue(source, new WorkItem(work, state), _capacity);

    /// <summary>Runs a function on the strand, behind what the source posted before.</summary>
    internal Task<T> InvokeAsync<T>(WorkSource source, Func<T> function) => InvokeAsync<T>(
        (work, state) => Post(source, work, state), function);

    /// <summary>Runs a function on the strand and completes with its result.</summary>
    public Task<T> InvokeAsync<T>(Func<T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return InvokeAsync<T>(Post, function);
    }

    private static Task<T> InvokeAsync<T>(Action<Action<object>, object> post, Func<T> function)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        post(
            static state =>
            {
                var (body, result) = ((Func<T>, TaskCompletionSource<T>))state;
                try
                {
                    result.SetResult(body());
                }
                catch (Exception problem) when (problem is not OutOfMemoryException)
                {
                    result.SetException(problem);
                }
            },
            (function, completion));
        return completion.Task;
    }

    /// <summary>Goes on draining on a thread of the pool.</summary>
    void IThreadPoolWorkItem.Execute() => Drain();

    private bool Enqueue(WorkSource? source, in WorkItem item, int capacity)
    {
        lock (_gate)
        {
            if (_queue.Count >= capacity || (source is not null && source.Items.Count > capacity / 4))
            {
                return false;
            }

            if (source is null)
            {
                _queue.Enqueue(item);
            }
            else
            {
                _queue.Enqueue(source, item);
            }

            if (_draining)
            {
                return true;
            }

            _draining = true;
        }

        Drain();
        return true;
    }

    private void Drain()
    {
        long started = Stopwatch.GetTimestamp();
        Volatile.Write(ref _drainerThread, Environment.CurrentManagedThreadId);
        while (true)
        {
            RunBatch();
            lock (_gate)
            {
                if (_queue.Count == 0)
                {
                    Volatile.Write(ref _drainerThread, 0);
                    _draining = false;
                    return;
                }

                if (Stopwatch.GetTimestamp() - started > HandOverTicks)
                {
                    Volatile.Write(ref _drainerThread, 0);
                    break;
                }
            }
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void RunBatch()
    {
        WorkSource? source = null;
        long started = Stopwatch.GetTimestamp();
        for (int run = 0; run <= BatchItemsMax; run++)
        {
            WorkItem item;
            lock (_gate)
            {
                if (source is not null)
                {
                    long now = Stopwatch.GetTimestamp();
                    _queue.Charge(source, now - started);
                    started = now;
                }

                source = null;
                if (run == BatchItemsMax || !_queue.TryDequeue(out item, out source))
                {
                    break;
                }
            }

            Guarded(item.Work, item.State);
        }

        if (BatchEnded is { } batchEnded)
        {
            Guarded(static state => ((Action)state)(), batchEnded);
        }
    }

    /// <summary>A bug in one piece of work is reported and must not stop the others.</summary>
    private void Guarded(Action<object> work, object state)
    {
        try
        {
            work(state);
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            _failed(problem);
        }
    }
}
