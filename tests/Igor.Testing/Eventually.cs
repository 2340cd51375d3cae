using System.Diagnostics;

namespace Igor.Testing;

/// <summary>Waits for something that other threads or processes bring about.</summary>
public static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Long enough for a busy machine; nobody waits for it when all is well.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Waits until a condition holds; fails, and says for what it waited, when it does not come to hold.
    /// </summary>
    public static async Task HoldsAsync(Func<bool> condition, string what, TimeSpan? patience = null)
    {
        long started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(
                Stopwatch.GetElapsedTime(started) < (patience ?? Patience), $"It never came to this: {what}");
            await Task.Delay(Pause);
        }
    }

    /// <summary>Waits for a task that has to complete.</summary>
    public static async Task<T> CompletesAsync<T>(Task<T> task, string what)
    {
        await HoldsAsync(() => task.IsCompleted, what);
        return await task;
    }
}
