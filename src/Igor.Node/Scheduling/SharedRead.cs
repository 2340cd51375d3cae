namespace Igor.Node.Scheduling;

/// <summary>
/// A costly reading that many ask for at once: whoever asks while one waits for its turn gets that one's
/// result, which is no older than its question. Thread-safe.
/// </summary>
/// <typeparam name="T">What is read.</typeparam>
/// <param name="read">Reads, some time after it was called; calls its argument when it begins to.</param>
internal sealed class SharedRead<T>(Func<Action, Task<T>> read)
{
    private TaskCompletionSource<T>? _waiting;

    /// <summary>The result of a reading that begins after this call.</summary>
    public Task<T> ReadAsync()
    {
        var mine = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<T>? waiting = Interlocked.CompareExchange(ref _waiting, mine, null);
        if (waiting is not null)
        {
            return waiting.Task;
        }

        _ = CompleteAsync(mine);
        return mine.Task;
    }

    private async Task CompleteAsync(TaskCompletionSource<T> mine)
    {
        try
        {
            mine.SetResult(await read(() => Volatile.Write(ref _waiting, null)).ConfigureAwait(false));
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            Interlocked.CompareExchange(ref _waiting, null, mine);
            mine.SetException(problem);
        }
    }
}
