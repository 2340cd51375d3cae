using System.Collections.Concurrent;
using Igor.Node.Scheduling;
using Igor.Testing;
using WorkSource = Igor.Node.Scheduling.FairQueue<Igor.Node.Scheduling.WorkItem>.Source;

namespace Igor.Node.Tests;

public sealed class StrandTests
{
    private static readonly object Nothing = new();

    [Fact]
    public void Work_posted_to_an_idle_strand_runs_before_post_returns()
    {
        var strand = NewStrand();
        int thread = 0;
        strand.Post(_ => thread = Environment.CurrentManagedThreadId, Nothing);
        Assert.Equal(Environment.CurrentManagedThreadId, thread);
        Assert.False(strand.IsCurrent);
    }

    [Fact]
    public void Work_posted_from_the_strand_runs_after_the_work_that_posted_it()
    {
        var strand = NewStrand();
        var order = new List<string>();
        strand.Post(
            _ =>
            {
                Assert.True(strand.IsCurrent);
                strand.Post(_ => order.Add("second"), Nothing);
                strand.Post(_ => order.Add("third"), Nothing);
                order.Add("first");
            },
            Nothing);
        Assert.Equal(["first", "second", "third"], order);
    }

    [Fact]
    public async Task Work_of_many_threads_never_overlaps_and_keeps_each_threads_order()
    {
        var strand = NewStrand();
        const int posters = 8;
        const int each = 5000;
        int inside = 0;
        var seen = new int[posters];
        var faults = new List<string>();
        await Task.WhenAll(Enumerable.Range(0, posters).Select(poster => Task.Run(() =>
        {
            for (int i = 0; i < each; i++)
            {
                int number = i;
                strand.Post(
                    _ =>
                    {
                        if (Interlocked.Increment(ref inside) != 1 || seen[poster]++ != number)
                        {
                            faults.Add($"poster {poster}, number {number}");
                        }

                        Interlocked.Decrement(ref inside);
                    },
                    Nothing);
            }
        })));
        int done = await Eventually.CompletesAsync(strand.InvokeAsync(() => seen.Sum()));
        Assert.Equal(posters * each, done);
        Assert.Empty(faults);
    }

    [Fact]
    public void Try_post_to_a_full_queue_refuses()
    {
        var strand = new Strand(_ => { }, capacity: 2);
        int ran = 0;
        strand.Post(
            _ =>
            {
                Assert.True(strand.TryPost(_ => ran++, Nothing));
                Assert.True(strand.TryPost(_ => ran++, Nothing));
                Assert.False(strand.TryPost(_ => ran++, Nothing));
                Assert.Equal(2, strand.QueueLength);
                strand.Post(_ => ran++, Nothing); // bounded by its source, so never refused
            },
            Nothing);
        Assert.Equal(3, ran);
        Assert.True(strand.TryPost(_ => ran++, Nothing));
    }

    [Fact]
    public async Task A_drainer_that_has_run_long_hands_over_to_the_pool()
    {
        var strand = NewStrand();
        var threads = new ConcurrentQueue<int>();
        using var released = new ManualResetEventSlim();
        strand.Post(
            _ =>
            {
                for (int i = 0; i < 3; i++)
                {
                    strand.Post(_ => SpinFor(TimeSpan.FromMilliseconds(3)), Nothing);
                }

                for (int i = 0; i < 40; i++)
                {
                    strand.Post(_ => { }, Nothing); // to the end of the batch
                }

                for (int i = 0; i < 100; i++)
                {
                    strand.Post(_ => released.Wait(), Nothing); // would hold this thread for ever
                    strand.Post(_ => threads.Enqueue(Environment.CurrentManagedThreadId), Nothing);
                }
            },
            Nothing);
        released.Set();
        await Eventually.HoldsAsync(() => threads.Count == 100, "the pool drains the rest");

        static void SpinFor(TimeSpan time)
        {
            long started = System.Diagnostics.Stopwatch.GetTimestamp();
            while (System.Diagnostics.Stopwatch.GetElapsedTime(started) < time)
            {
                Thread.SpinWait(100);
            }
        }
    }

    [Fact]
    public void An_exception_is_reported_and_the_next_work_runs()
    {
        var problems = new List<Exception>();
        var strand = new Strand(problems.Add);
        bool ran = false;
        strand.Post(_ => throw new FormatException("broken"), Nothing);
        strand.Post(_ => ran = true, Nothing);
        Assert.True(ran);
        Assert.IsType<FormatException>(Assert.Single(problems));
    }

    [Fact]
    public void The_end_of_a_batch_comes_after_its_work()
    {
        var strand = NewStrand();
        var order = new List<string>();
        strand.BatchEnded = () => order.Add("end");
        strand.Post(
            _ =>
            {
                order.Add("a");
                strand.Post(_ => order.Add("b"), Nothing);
            },
            Nothing);
        Assert.Equal(["a", "b", "end"], order);
    }

    [Fact]
    public async Task Invoke_hands_exceptions_to_the_caller()
    {
        var strand = NewStrand();
        await Assert.ThrowsAsync<FormatException>(
            () => strand.InvokeAsync<int>(() => throw new FormatException()));
        Assert.Equal(7, await strand.InvokeAsync(() => 7));
    }

    [Fact]
    public void Sources_take_turns_and_the_work_of_each_keeps_its_order()
    {
        var strand = NewStrand();
        var flood = new WorkSource(WorkClass.Member);
        var other = new WorkSource(WorkClass.Member);
        var order = new List<string>();
        strand.Post(
            _ =>
            {
                for (int i = 0; i < 20; i++)
                {
                    string name = $"flood{i}";
                    strand.Post(flood, _ => Spin(order, name), Nothing);
                }

                strand.Post(other, _ => order.Add("other"), Nothing);
            },
            Nothing);
        SpinWait.SpinUntil(() => strand.QueueLength == 0 && order.Count == 21);
        Assert.InRange(order.IndexOf("other"), 0, 3);
        Assert.Equal(
            Enumerable.Range(0, 20).Select(i => $"flood{i}"), order.Where(name => name != "other"));

        static void Spin(List<string> order, string name)
        {
            long started = System.Diagnostics.Stopwatch.GetTimestamp();
            while (System.Diagnostics.Stopwatch.GetElapsedTime(started) < TimeSpan.FromMilliseconds(0.3))
            {
                Thread.SpinWait(10);
            }

            order.Add(name);
        }
    }

    [Fact]
    public void One_source_fills_a_quarter_of_the_queue_and_others_find_room()
    {
        var strand = new Strand(_ => { }, capacity: 40);
        var flood = new WorkSource(WorkClass.Member);
        var other = new WorkSource(WorkClass.Member);
        strand.Post(
            _ =>
            {
                int taken = 0;
                while (strand.TryPost(flood, _ => { }, Nothing))
                {
                    taken++;
                }

                Assert.InRange(taken, 10, 11);
                Assert.True(strand.TryPost(other, _ => { }, Nothing));
            },
            Nothing);
        Assert.Equal(0, strand.QueueLength);
    }

    private static Strand NewStrand() =>
        new(problem => throw new InvalidOperationException("unexpected", problem));
}
