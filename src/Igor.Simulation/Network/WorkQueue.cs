namespace Igor.Simulation.Network;

/// <summary>
/// The work that waits in a process. Of thousands of processes one or two have some at any moment, so they
/// borrow their queues from a common stock.
/// </summary>
internal sealed class WorkQueue(Stack<Queue<NodeWork>> stock)
{
    private Queue<NodeWork>? _waiting;

    /// <summary>Adds a piece of work behind all others.</summary>
    public void Add(in NodeWork work)
    {
        _waiting ??= stock.TryPop(out Queue<NodeWork>? spare) ? spare : [];
        _waiting.Enqueue(work);
    }

    /// <summary>Takes out the next piece; false when there is none.</summary>
    public bool TryTake(out NodeWork work)
    {
        if (_waiting is null)
        {
            work = default;
            return false;
        }

        work = _waiting.Dequeue();
        if (_waiting.Count == 0)
        {
            stock.Push(_waiting);
            _waiting = null;
        }

        return true;
    }
}
