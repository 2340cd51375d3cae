using System.Diagnostics.CodeAnalysis;

namespace Igor.Dht.Storage.Segments;

/// <summary>
/// Forces a segment to the disk on a thread of its own, one at a time: what comes next is made ready
/// meanwhile. To begin and to wait is for one thread.
/// </summary>
internal sealed class BackgroundSync : IDisposable
{
    private readonly object _gate = new();
    private readonly Thread _thread;
    private Segment? _segment;
    private Action _whenDone = () => { };
    private IOException? _failure;
    private volatile bool _isBusy;
    private bool _isClosing;

    /// <summary>Starts the thread.</summary>
    public BackgroundSync()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "igor-store-sync" };
        _thread.Start();
    }

    /// <summary>Whether a sync is under way. For any thread.</summary>
    public bool IsBusy => _isBusy;

    /// <summary>Begins to force a segment to the disk; none is under way.</summary>
    /// <param name="segment">The segment, which is left alone until that is done.</param>
    /// <param name="whenDone">Called on the thread when it is done, however it ended.</param>
    public void Begin(Segment segment, Action whenDone)
    {
        lock (_gate)
        {
            (_segment, _whenDone, _failure, _isBusy) = (segment, whenDone, null, true);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits for the sync that was begun last.</summary>
    /// <exception cref="IOException">The disk is full or failed; it is thrown once.</exception>
    public void Wait()
    {
        lock (_gate)
        {
            while (_isBusy)
            {
                Monitor.Wait(_gate);
            }

            if (_failure is { } failure)
            {
                _failure = null;
                throw new IOException(failure.Message, failure.HResult);
            }
        }
    }

    /// <summary>Ends the thread, after what is under way.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosing = true;
            Monitor.PulseAll(_gate);
        }

        _thread.Join();
    }

    private void Run()
    {
        while (TryTake(out Segment? segment))
        {
            IOException? failure = null;
            try
            {
                segment.Sync();
            }
            catch (IOException e)
            {
                failure = e;
            }

            Action whenDone = _whenDone;
            lock (_gate)
            {
                (_segment, _failure, _isBusy) = (null, failure, false);
                Monitor.PulseAll(_gate);
            }

            whenDone();
        }
    }

    private bool TryTake([NotNullWhen(true)] out Segment? segment)
    {
        lock (_gate)
        {
            while (_segment is null && !_isClosing)
            {
                Monitor.Wait(_gate);
            }

            segment = _segment;
            return segment is not null;
        }
    }
}
