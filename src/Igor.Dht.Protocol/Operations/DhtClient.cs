using Igor.Dht.Protocol.Machines;

namespace Igor.Dht.Protocol.Operations;

/// <summary>
/// The client: the commands of local callers, which is all that a process without records runs. Each is a
/// request to the root of its key, repeated after a growing pause until it has an answer that is final or its
/// time is over. A put makes its version once and keeps it over all attempts, so an attempt whose answer was
/// lost does no harm.
/// </summary>
internal sealed class DhtClient(DhtContext context)
{
    private readonly Dictionary<long, ClientOperation> _running = [];
    private readonly PriorityQueue<ClientOperation, TimeSpan> _pauses = new();
    private long _lastCommand;

    /// <summary>When the next pause ends.</summary>
    public TimeSpan? NextDeadline => _pauses.TryPeek(out _, out TimeSpan due) ? due : null;

    /// <summary>Number of commands that have not ended.</summary>
    public int Running => _running.Count;

    /// <summary>Starts a write.</summary>
    /// <returns>The command's number; 0 when it has ended already.</returns>
    public long Put(DhtPut put, Action<CommandResult> completed)
    {
        ArgumentNullException.ThrowIfNull(put);
        if (!HasRoom(completed))
        {
            return 0;
        }

        var operation = new PutOperation(context, this, ++_lastCommand, put) { Completed = completed };
        if (operation.Refusal() is { } refusal)
        {
            Fail(completed, DhtError.Refused, refusal);
            return 0;
        }

        return Start(operation);
    }

    /// <summary>Starts a read.</summary>
    /// <returns>The command's number; 0 when it has ended already.</returns>
    public long Get(DhtGet get, Action<CommandResult> completed)
    {
        ArgumentNullException.ThrowIfNull(get);
        return HasRoom(completed)
            ? Start(new GetOperation(context, this, ++_lastCommand, get) { Completed = completed })
            : 0;
    }

    /// <summary>Ends a command of which nobody wants to hear any more.</summary>
    public void Abandon(long command) => _running.Remove(command);

    /// <summary>Ends all commands.</summary>
    public void Close()
    {
        ClientOperation[] running = [.. _running.Values.OrderBy(operation => operation.Command)];
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
            if (_running.ContainsKey(operation.Command))
            {
                operation.Resume();
            }
        }
    }

    /// <summary>Lets an operation pause.</summary>
    internal void Pause(ClientOperation operation, TimeSpan until) => _pauses.Enqueue(operation, until);

    /// <summary>Ends an operation.</summary>
    internal void End(ClientOperation operation, CommandResult result)
    {
        if (_running.Remove(operation.Command))
        {
            operation.Completed(result);
        }
    }

    /// <summary>Whether an operation still runs.</summary>
    internal bool IsRunning(long command) => _running.ContainsKey(command);

    private bool HasRoom(Action<CommandResult> completed)
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
        _running.Add(operation.Command, operation);
        try
        {
            operation.Start();
        }
        catch
        {
            _running.Remove(operation.Command); // a bug, of which the caller hears by the exception
            throw;
        }

        return operation.Command;
    }

    private static void Fail(Action<CommandResult> completed, DhtError error, string message) =>
        completed(new CommandResult { Failure = new DhtFailure(error, message) });
}
