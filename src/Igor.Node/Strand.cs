using System.Diagnostics;

namespace Igor.Node;

/// <summary>
/// Runs work one piece at a time, in the order it was posted, without a thread of its own: whoever posts
/// while nobody drains the queue drains it, so an idle node handles a frame on the thread that read it. A
/// drainer that has run long hands the queue over to the thread pool. Work posted from inside the strand is
/// queued, never run at once, so nothing on the strand is ever entered twice. All members are thread-safe.
/// </summary>
public sealed class Strand : IThreadPoolWorkItem
{
    /// <summary>
    /// Pieces of work after which effects go out even though more work waits: bounds their delay.
    /// </summary>
    private const int BatchItemsMax = 32;

    /// <summary>How long one thread drains for others before the thread pool takes over.</summary>
    private static readonly long HandOverTicks = Stopwatch.Frequency / 1000; // 1 ms

    private readonly Lock _gate = new();
    private readonly Queue<Item> _queue = new();
    private readonly Action<Exception> _failed;
    private readonly int _capacity;
    private bool _draining;
    private int _drainerThread;

    /// <summary>Makes an idle strand.</summary>
    /// <param name="failed">Told of an exception that a piece of work threw; the strand goes on.</param>
    /// <param name="capacity">Pieces of work beyond which <see cref="TryPost"/> refuses. At least 1.</param>
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
        Enqueue(new Item(work, state), int.MaxValue);
    }

    /// <summary>Like <see cref="Post"/>, but refuses when too much waits already.</summary>
    /// <returns>False when the queue is full; the work will not run.</returns>
    public bool TryPost(Action<object> work, object state)
    {
        ArgumentNullException.ThrowIfNull(work);
        return Enqueue(new Item(work, state), _capacity);
    }

    /// <summary>Runs a function on the strand and completes with its result.</summary>
    public Task<T> InvokeAsync<T>(Func<T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(
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

    private bool Enqueue(in Item item, int capacity)
    {
        lock (_gate)
        {
            if (_queue.Count >= capacity)
            {
                return false;
            }

            _queue.Enqueue(item);
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
        for (int run = 0; run < BatchItemsMax; run++)
        {
            Item item;
            lock (_gate)
            {
                if (!_queue.TryDequeue(out item))
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

    private readonly record struct Item(Action<object> Work, object State);
}
