using Igor.Node.Scheduling;

namespace Igor.Node.Tests;

public class SharedReadTests
{
    private readonly List<(Action Begin, TaskCompletionSource<int> End)> _readings = [];
    private readonly SharedRead<int> _shared;

    public SharedReadTests() => _shared = new SharedRead<int>(begin =>
    {
        _readings.Add((begin, new TaskCompletionSource<int>()));
        return _readings[^1].End.Task;
    });

    [Fact]
    public async Task Whoever_asks_before_the_reading_begins_shares_it_and_nobody_later()
    {
        Task<int> first = _shared.ReadAsync();
        Task<int> second = _shared.ReadAsync();
        _readings[0].Begin();
        Task<int> third = _shared.ReadAsync();
        Assert.Equal(2, _readings.Count);
        _readings[0].End.SetResult(1);
        _readings[1].Begin();
        _readings[1].End.SetResult(2);
        int[] results = await Task.WhenAll(first, second, third);
        Assert.Equal([1, 1, 2], results);
    }

    [Fact]
    public async Task A_reading_that_fails_before_it_began_leaves_room_for_the_next()
    {
        Task<int> first = _shared.ReadAsync();
        _readings[0].End.SetException(new FormatException());
        await Assert.ThrowsAsync<FormatException>(() => first);
        _ = _shared.ReadAsync();
        Assert.Equal(2, _readings.Count);
    }
}
