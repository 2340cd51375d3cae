using System.Diagnostics;

namespace Igor.EndToEnd;

/// <summary>Waits for a condition, with a deadline and a message that says what was seen last.</summary>
internal static class Eventually
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Waits until <paramref name="look"/> returns null; what it returns else is what is still wrong.
    /// </summary>
    public static async Task HoldsAsync(string what, TimeSpan deadline, Func<Task<string?>> look)
    {
        long start = Stopwatch.GetTimestamp();
        while (await look() is { } wrong)
        {
            if (Stopwatch.GetElapsedTime(start) > deadline)
            {
                Assert.Fail($"Waited {deadline.TotalSeconds:0} s in vain: {what}. Last seen: {wrong}");
            }

            await Task.Delay(s_poll);
        }
    }

    /// <summary>Waits until a condition is true.</summary>
    public static Task IsTrueAsync(string what, TimeSpan deadline, Func<bool> condition) =>
        HoldsAsync(what, deadline, () => Task.FromResult(condition() ? null : "not yet"));
}
