using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Tests.Overlay.Machines;

public class UpkeepBudgetTests
{
    private const int PerSecond = 100;
    private readonly UpkeepBudget _budget = new(PerSecond);

    [Fact]
    public void What_can_wait_uses_what_has_gathered_and_then_waits()
    {
        Assert.True(_budget.TrySpend(At(0), 2_000, UpkeepUrgency.Later));
        Assert.False(_budget.TrySpend(At(0), 1, UpkeepUrgency.Later));
        Assert.False(_budget.TrySpend(At(1), 101, UpkeepUrgency.Later));
        Assert.True(_budget.TrySpend(At(1), 100, UpkeepUrgency.Later));
    }

    [Fact]
    public void What_cannot_wait_borrows_twenty_minutes_and_no_more()
    {
        _budget.Spend(At(0), 2_000);
        Assert.True(_budget.TrySpend(At(0), 120_000, UpkeepUrgency.Now));
        Assert.False(_budget.TrySpend(At(0), 1, UpkeepUrgency.Now));
    }

    [Fact]
    public void What_can_wait_does_until_what_was_borrowed_is_paid_back()
    {
        _budget.Spend(At(0), 4_000);
        Assert.False(_budget.TrySpend(At(20), 1, UpkeepUrgency.Later));
        Assert.True(_budget.TrySpend(At(21), 100, UpkeepUrgency.Later));
    }

    [Fact]
    public void Whatever_was_done_a_repair_has_room_again_with_the_next_income()
    {
        _budget.Spend(At(0), 1_000_000);
        Assert.False(_budget.TrySpend(At(0), 100, UpkeepUrgency.Now));
        Assert.True(_budget.TrySpend(At(1), 100, UpkeepUrgency.Now));
    }

    [Fact]
    public void What_is_done_with_a_period_leaves_a_repair_its_room_and_lets_the_rest_wait()
    {
        for (int second = 0; second < 3600; second++)
        {
            _budget.SpendGathered(At(second), 2 * PerSecond);
        }

        Assert.False(_budget.TrySpend(At(3600), 2 * PerSecond, UpkeepUrgency.Later));
        Assert.True(_budget.TrySpend(At(3600), 120_000, UpkeepUrgency.Now));
    }

    [Fact]
    public void What_others_may_need_leaves_half_of_what_may_be_borrowed()
    {
        _budget.Spend(At(0), 2_000);
        Assert.True(_budget.TrySpend(At(0), 60_000, UpkeepUrgency.Soon));
        Assert.False(_budget.TrySpend(At(0), 1, UpkeepUrgency.Soon));
        Assert.True(_budget.TrySpend(At(0), 60_000, UpkeepUrgency.Now));
    }

    [Fact]
    public void Over_time_no_more_is_spent_than_the_budget_and_what_is_borrowed()
    {
        long spent = 0;
        for (int ms = 0; ms < 3_600_000; ms += 10)
        {
            UpkeepUrgency urgency = ms % 20 == 0 ? UpkeepUrgency.Now : UpkeepUrgency.Later;
            spent += _budget.TrySpend(TimeSpan.FromMilliseconds(ms), 80, urgency) ? 80 : 0;
        }

        Assert.InRange(spent, 3600 * PerSecond, (3600 + 1220) * PerSecond);
    }

    [Fact]
    public void What_can_wait_is_told_how_long()
    {
        Assert.Equal(TimeSpan.Zero, _budget.WaitFor(At(0), 2_000));
        _budget.Spend(At(0), 4_000);
        TimeSpan wait = _budget.WaitFor(At(5), 1_000);
        Assert.Equal(At(25), wait);
        Assert.False(_budget.Allows(At(5) + wait - At(0.01), 1_000, UpkeepUrgency.Later));
        Assert.True(_budget.Allows(At(5) + wait, 1_000, UpkeepUrgency.Later));
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
