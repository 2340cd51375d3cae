using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Igor.Testing;

/// <summary>
/// Waits for something that other threads or processes bring about; fails, and says for what it waited, when
/// it does not come.
/// </summary>
public static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Long enough for a busy machine; nobody waits for it when all is well.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Waits until a condition holds.</summary>
    public static Task HoldsAsync(Func<bool> condition, string what, TimeSpan? patience = null) =>
        HoldsAsync(() => Task.FromResult(condition()), what, patience);

    /// <summary>Waits until a condition holds.</summary>
    public static Task HoldsAsync(Func<Task<bool>> condition, string what, TimeSpan? patience = null) =>
        HoldsAsync(async () => await condition() ? null : "not yet", what, patience);

    /// <summary>Waits until nothing is wrong any more.</summary>
    /// <param name="look">What is still wrong; null when nothing is.</param>
    /// <param name="what">What is waited for.</param>
    /// <param name="patience">How long at most; <see cref="Patience"/> when not given.</param>
    public static async Task HoldsAsync(Func<Task<string?>> look, string what, TimeSpan? patience = null)
    {
        TimeSpan most = patience ?? Patience;
        long started = Stopwatch.GetTimestamp();
        while (await look() is { } wrong)
        {
            if (Stopwatch.GetElapsedTime(started) > most)
            {
                Assert.Fail($"It never came to this in {most.TotalSeconds:0} s: {what}. Last seen: {wrong}");
            }

            await Task.Delay(Pause);
        }
    }

    /// <summary>Waits for a task that has to complete.</summary>
    public static async Task<T> CompletesAsync<T>(
        Task<T> task, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        await CompletesAsync((Task)task, what);
        return await task;
    }

    /// <summary>Waits for a task that has to complete.</summary>
    public static async Task CompletesAsync(
        Task task, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        Task first = await Task.WhenAny(task, Task.Delay(Patience));
        Assert.True(first == task, $"It never came to an end: {what}");
        await task;
    }
}
