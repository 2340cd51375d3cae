using Igor.Dht.Protocol.Machines;

namespace Igor.Dht.Protocol.Operations;

/// <summary>
/// The commands of local callers. Each is a request to the root of its key, repeated after a growing pause
/// until it has an answer that is final or its time is over. A put makes its version once and keeps it over
/// all attempts, so an attempt whose answer was lost does no harm.
/// </summary>
internal sealed class ClientOperations(DhtContext context)
{
    private readonly Dictionary<long, ClientOperation> _running = [];
    private readonly PriorityQueue<ClientOperation, TimeSpan> _pauses = new();

    /// <summary>When the next pause ends.</summary>
    public TimeSpan? NextDeadline => _pauses.TryPeek(out _, out TimeSpan due) ? due : null;

    /// <summary>Starts a write.</summary>
    public void Put(long command, DhtPut put)
    {
        if (!HasRoom(command))
        {
            return;
        }

        var operation = new PutOperation(context, this, command, put);
        if (operation.Refusal() is { } refusal)
        {
            Fail(command, DhtError.Refused, refusal);
            return;
        }

        _running.Add(command, operation);
        operation.Start();
    }

    /// <summary>Starts a read.</summary>
    public void Get(long command, DhtGet get)
    {
        if (HasRoom(command))
        {
            var operation = new GetOperation(context, this, command, get);
            _running.Add(command, operation);
            operation.Start();
        }
    }

    /// <summary>Ends a command of which nobody wants to hear any more.</summary>
    public void Abandon(long command) => _running.Remove(command);

    /// <summary>Ends all commands.</summary>
    public void Close()
    {
        foreach (long command in _running.Keys.Order().ToArray())
        {
            Fail(command, DhtError.Local, "The DHT was closed.");
        }

        _running.Clear();
        _pauses.Clear();
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
    internal void End(long command, CommandResult result)
    {
        if (_running.Remove(command))
        {
            context.Complete(command, result);
        }
    }

    /// <summary>Whether an operation still runs.</summary>
    internal bool IsRunning(long command) => _running.ContainsKey(command);

    private bool HasRoom(long command)
    {
        if (_running.Count < context.Options.OperationsMax)
        {
            return true;
        }

        Fail(command, DhtError.Local, $"{_running.Count} operations run already: wait for some to end.");
        return false;
    }

    private void Fail(long command, DhtError error, string message) =>
        context.Complete(command, new CommandResult { Failure = new DhtFailure(error, message) });
}
