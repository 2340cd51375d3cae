namespace Igor.Architecture.Tests.Fixtures;

/// <summary>Code as the pure parts may have it: time and randomness are passed in.</summary>
internal sealed class PureFixture(int seed)
{
    private const int Step = 2;
    private static readonly int[] s_steps = [1, Step];
    private readonly Random _random = new(seed);

    public TimeSpan Deadline(TimeSpan now) => now + TimeSpan.FromMilliseconds(_random.Next(s_steps[1]));

    public static IEnumerable<int> Steps()
    {
        foreach (int step in s_steps)
        {
            yield return step;
        }
    }

    public Task<int> Answer(IEnumerable<int> numbers) =>
        Task.FromResult(numbers.Sum(number => number + seed));
}
