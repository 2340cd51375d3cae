using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;

namespace Igor.Testing;

/// <summary>
/// A ring for the contract to act in: nodes of one network with an application host at each. Time belongs to
/// the world, so that a simulator can run its own: the contract waits only through
/// <see cref="WaitUntilAsync"/>.
/// </summary>
public abstract class KbrWorld : IAsyncDisposable
{
    /// <summary>Where applications attach, one for each node; all nodes are members of one ring.</summary>
    public abstract IReadOnlyList<IKbrHost> Hosts { get; }

    /// <summary>Largest payload of a message.</summary>
    public virtual int PayloadBytesMax => new OverlayOptions().PayloadBytesMax;

    /// <summary>
    /// Lets time pass until a condition holds, and fails when it does not within a generous time.
    /// </summary>
    public abstract Task WaitUntilAsync(Func<bool> condition, string what);

    /// <summary>A node leaves the ring in order, and its applications lose it.</summary>
    public abstract Task StopNodeAsync(int node);

    /// <summary>Lets time pass until a task completes.</summary>
    public async Task<T> CompleteAsync<T>(Task<T> task, string what)
    {
        await WaitUntilAsync(() => task.IsCompleted, what);
        return await task;
    }

    /// <summary>Lets time pass until a task completes.</summary>
    public async Task CompleteAsync(Task task, string what)
    {
        await WaitUntilAsync(() => task.IsCompleted, what);
        await task;
    }

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
