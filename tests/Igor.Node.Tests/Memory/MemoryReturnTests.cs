using Igor.Node.Memory;

namespace Igor.Node.Tests;

public class MemoryReturnTests
{
    private const long Idle = 30 << 20;
    private const long Grown = Idle + MemoryReturn.BurstBytes;

    private readonly ByteBudget _bytes = new(64 << 20);
    private readonly ByteAccount _account;
    private readonly MemoryReturn _memory;
    private TimeSpan _now;

    public MemoryReturnTests()
    {
        _account = _bytes.Open(HolderKind.Member);
        _memory = new MemoryReturn(_bytes);
        Look(Idle);
    }

    [Fact]
    public void A_burst_that_passed_and_left_memory_behind_is_followed_by_a_collection()
    {
        Assert.True(IsDueAfterBurst(Grown));
        _memory.NoteReturned(_now, Idle);
        Assert.False(LookOften(Grown));
    }

    [Fact]
    public void A_burst_that_left_nothing_behind_is_not() => Assert.False(IsDueAfterBurst(Grown - 1));

    [Fact]
    public void Bursts_one_after_another_cause_one_collection_in_five_minutes()
    {
        int collections = 0;
        while (_now < 4 * MemoryReturn.Period)
        {
            if (IsDueAfterBurst(Grown))
            {
                collections++;
                _memory.NoteReturned(_now, Idle);
            }
        }

        Assert.InRange(collections, 3, 4);
    }

    private bool IsDueAfterBurst(long heapBytes)
    {
        Assert.True(_account.TryTake((int)MemoryReturn.BurstBytes));
        _account.Return((int)MemoryReturn.BurstBytes);
        return LookOften(heapBytes);
    }

    private bool LookOften(long heapBytes)
    {
        bool isDue = false;
        for (int i = 0; i <= MemoryReturn.QuietLooks && !isDue; i++)
        {
            isDue = Look(heapBytes);
        }

        return isDue;
    }

    private bool Look(long heapBytes)
    {
        _now += TimeSpan.FromSeconds(5);
        return _memory.IsDue(_now, heapBytes);
    }
}
