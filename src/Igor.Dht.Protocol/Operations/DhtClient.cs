using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;

namespace Igor.Dht.Protocol.Operations;

/// <summary>
/// The client: the operations of local callers, which is all that a process without records runs. Each is a
/// request to the root of its key, repeated after a growing pause until it has an answer that is final or its
/// time is over. A put makes its version once and keeps it over all attempts, so an attempt whose answer was
/// lost does no harm.
/// </summary>
internal sealed class DhtClient(DhtContext context)
{
    private readonly Dictionary<long, ClientOperation> _running = [];
    private readonly PriorityQueue<ClientOperation, TimeSpan> _pauses = new();
    private readonly KnownReigns _reigns = new();
    private long _lastNumber;

    /// <summary>When the next pause ends.</summary>
    public TimeSpan? NextDeadline => _pauses.TryPeek(out _, out TimeSpan due) ? due : null;

    /// <summary>Number of operations that have not ended.</summary>
    public int Running => _running.Count;

    /// <summary>Starts a write; the draft stands for the value where there is one.</summary>
    /// <returns>The operation's number; 0 when it has ended already.</returns>
    public long Put(DhtPut put, RecordDraft? draft, Action<OperationResult> completed)
    {
        ArgumentNullException.ThrowIfNull(put);
        if (!HasRoom(completed))
        {
            return 0;
        }

        var operation = new PutOperation(context, this, ++_lastNumber, put, draft)
        {
            Completed = completed,
        };
        if (operation.Refusal() is { } refusal)
        {
            Fail(completed, DhtError.Refused, refusal);
            return 0;
        }

        return Start(operation);
    }

    /// <summary>Starts a read.</summary>
    /// <returns>The operation's number; 0 when it has ended already.</returns>
    public long Get(DhtGet get, Action<OperationResult> completed)
    {
        ArgumentNullException.ThrowIfNull(get);
        return HasRoom(completed)
            ? Start(new GetOperation(context, this, ++_lastNumber, get) { Completed = completed })
            : 0;
    }

    /// <summary>Starts an operation on a register.</summary>
    /// <returns>The operation's number; 0 when it has ended already.</returns>
    public long Call(DhtRegisterCall call, Action<OperationResult> completed)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (!HasRoom(completed))
        {
            return 0;
        }

        if (RegisterRequest.Refusal(call) is { } refusal)
        {
            Fail(completed, DhtError.Refused, refusal);
            return 0;
        }

        return Start(new RegisterRequest(context, this, ++_lastNumber, call, _reigns)
        {
            Completed = completed,
        });
    }

    /// <summary>Ends an operation of which nobody wants to hear any more.</summary>
    public void Abandon(long number) => _running.Remove(number);

    /// <summary>Ends all operations.</summary>
    public void Close()
    {
        ClientOperation[] running = [.. _running.Values.OrderBy(operation => operation.Number)];
        _running.Clear();
        _pauses.Clear();
        foreach (ClientOperation operation in running)
        {
            Fail(operation.Completed, DhtError.Local, "The DHT was closed.");
        }
    }

    /// <summary>A deadline has passed: goes on with what has paused long enough.</summary>
    public void HandleDeadline()
    {
        while (_pauses.TryPeek(out ClientOperation? operation, out TimeSpan due)
            && due <= context.Now.Monotonic)
        {
            _pauses.Dequeue();
            if (_running.ContainsKey(operation.Number))
            {
                operation.Resume();
            }
        }
    }

    /// <summary>Lets an operation pause.</summary>
    internal void Pause(ClientOperation operation, TimeSpan until) => _pauses.Enqueue(operation, until);

    /// <summary>Ends an operation.</summary>
    internal void End(ClientOperation operation, OperationResult result)
    {
        if (_running.Remove(operation.Number))
        {
            operation.Completed(result);
        }
    }

    /// <summary>Whether an operation still runs.</summary>
    internal bool IsRunning(long number) => _running.ContainsKey(number);

    private bool HasRoom(Action<OperationResult> completed)
    {
        if (_running.Count < context.Options.OperationsMax)
        {
            return true;
        }

        Fail(completed, DhtError.Local, $"{_running.Count} operations run already: wait for some to end.");
        return false;
    }

    private long Start(ClientOperation operation)
    {
        _running.Add(operation.Number, operation);
        try
        {
            operation.Start();
        }
        catch
        {
            _running.Remove(operation.Number); // a bug, of which the caller hears by the exception
            throw;
        }

        return operation.Number;
    }

    private static void Fail(Action<OperationResult> completed, DhtError error, string message) =>
        completed(new OperationResult { Failure = new DhtFailure(error, message) });
}
