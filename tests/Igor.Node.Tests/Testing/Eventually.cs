using System.Diagnostics;

namespace Igor.Node.Tests;

/// <summary>Waits for a condition with a deadline.</summary>
internal static class Eventually
{
    // Machines that build meanwhile are slow.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static Task IsTrueAsync(Func<bool> condition, string what) =>
        IsTrueAsync(() => Task.FromResult(condition()), what);

    public static async Task IsTrueAsync(Func<Task<bool>> condition, string what)
    {
        long started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Patience, "never happened: " + what);
            await Task.Delay(10);
        }
    }

    public static Task<T> Within<T>(Task<T> task) => task.WaitAsync(Patience);

    public static Task Within(Task task) => task.WaitAsync(Patience);
}
