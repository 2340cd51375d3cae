using Igor.Node.Scheduling;

namespace Igor.Node.Tests;

public class FairQueueTests
{
    private const long Quantum = 10;

    private readonly FairQueue<string> _queue = new(Quantum);

    [Fact]
    public void Work_of_one_source_keeps_its_order()
    {
        var source = new FairQueue<string>.Source(WorkClass.Member);
        Enqueue(source, "a", 3);
        Assert.Equal(["a0", "a1", "a2"], Take(3, _ => 1));
        Assert.Equal(0, _queue.Count);
        Assert.False(_queue.TryDequeue(out _, out _));
    }

    [Fact]
    public void The_nodes_own_work_comes_first()
    {
        Enqueue(new FairQueue<string>.Source(WorkClass.Member), "a", 2);
        _queue.Enqueue("timer");
        Assert.Equal(["timer", "a0", "a1"], Take(3, _ => 1));
    }

    [Fact]
    public void A_source_with_a_thousand_pieces_delays_another_ones_first_by_one_turn()
    {
        Enqueue(new FairQueue<string>.Source(WorkClass.Member), "flood", 1000);
        Take(100, _ => 1);
        Enqueue(new FairQueue<string>.Source(WorkClass.Member), "other", 1);
        List<string> next = Take(20, _ => 1);
        Assert.Contains("other0", next);
    }

    [Fact]
    public void Sources_share_by_what_their_work_costs()
    {
        Enqueue(new FairQueue<string>.Source(WorkClass.Member), "cheap", 1000);
        Enqueue(new FairQueue<string>.Source(WorkClass.Member), "dear", 1000);
        List<string> taken = Take(550, item => item[0] == 'd' ? 10 : 1);
        Assert.InRange(taken.Count(item => item[0] == 'd'), 45, 55);
    }

    [Fact]
    public void Strangers_get_a_ninth_while_members_want_the_rest()
    {
        Enqueue(new FairQueue<string>.Source(WorkClass.Member), "member", 1000);
        for (int i = 0; i < 50; i++)
        {
            Enqueue(new FairQueue<string>.Source(WorkClass.Stranger), "stranger", 20);
        }

        List<string> taken = Take(900, _ => 8);
        Assert.InRange(taken.Count(item => item[0] == 's'), 95, 105);
    }

    [Fact]
    public void A_member_comes_before_all_strangers_that_wait()
    {
        for (int i = 0; i < 50; i++)
        {
            Enqueue(new FairQueue<string>.Source(WorkClass.Stranger), "stranger", 20);
        }

        Take(200, _ => 8); // time that strangers had alone is not held against them, nor for members
        Enqueue(new FairQueue<string>.Source(WorkClass.Member), "member", 1);
        Assert.Equal(["member0"], Take(1, _ => 8));
    }

    [Fact]
    public void A_source_that_comes_back_at_once_pays_what_its_last_piece_cost()
    {
        var dear = new FairQueue<string>.Source(WorkClass.Member);
        var cheap = new FairQueue<string>.Source(WorkClass.Member);
        Enqueue(cheap, "cheap", 100);
        int dearRan = 0;
        for (int i = 0; i < 60; i++)
        {
            if (dear.Items.Count == 0)
            {
                _queue.Enqueue(dear, "dear");
            }

            dearRan += Take(1, item => item[0] == 'd' ? 100 : 10)[0][0] == 'd' ? 1 : 0;
        }

        Assert.InRange(dearRan, 4, 8);
    }

    [Fact]
    public void A_change_of_class_counts_from_the_next_piece_on()
    {
        var source = new FairQueue<string>.Source(WorkClass.Stranger);
        Enqueue(source, "a", 1);
        source.Class = WorkClass.Member;
        Assert.Equal(["a0"], Take(1, _ => 1));
        Enqueue(new FairQueue<string>.Source(WorkClass.Stranger), "b", 1);
        Enqueue(source, "c", 1);
        Assert.Equal(["c0", "b0"], Take(2, _ => 1));
    }

    private void Enqueue(FairQueue<string>.Source source, string name, int count)
    {
        for (int i = 0; i < count; i++)
        {
            _queue.Enqueue(source, $"{name}{i}");
        }
    }

    private List<string> Take(int count, Func<string, long> costOf)
    {
        var taken = new List<string>();
        while (taken.Count < count
            && _queue.TryDequeue(out string? item, out FairQueue<string>.Source? source))
        {
            taken.Add(item);
            if (source is not null)
            {
                _queue.Charge(source, costOf(item));
            }
        }

        return taken;
    }
}
