using CsCheck;
using Igor.Simulation.Engine;

namespace Igor.Simulation.Tests;

public class EventQueueTests
{
    [Fact]
    public void Events_come_in_the_order_of_time_and_then_of_posting() =>
        Gen.Int[0, 20].Array[0, 300].Sample(times =>
        {
            var queue = new EventQueue();
            var expected = times.Select((time, index) => (time, index)).OrderBy(pair => pair.time).ToList();
            for (int i = 0; i < times.Length; i++)
            {
                queue.Post(times[i], new SimEvent(Nobody.One, SimEventKind.Callback, i));
            }

            foreach ((int time, int index) in expected)
            {
                SimEvent taken = queue.Take(out long at);
                Assert.Equal((time, index), ((int)at, (int)taken.Number));
            }

            Assert.Equal(0, queue.Count);
        });

    [Fact]
    public void Events_posted_while_others_are_taken_find_their_place() =>
        Gen.Int[1, 9].Array[1, 200].Sample(steps =>
        {
            var queue = new EventQueue();
            var model = new SortedSet<(long Time, long Number)>();
            long now = 0;
            for (int i = 0; i < steps.Length; i++)
            {
                queue.Post(now + steps[i], new SimEvent(Nobody.One, SimEventKind.Callback, i));
                model.Add((now + steps[i], i));
                if (i % 3 == 2)
                {
                    SimEvent taken = queue.Take(out now);
                    Assert.Equal(model.Min, (now, taken.Number));
                    model.Remove(model.Min);
                }
            }

            Assert.Equal(model.Count, queue.Count);
        });

    /// <summary>Wherever it waits: what could not be taken back comes, and nothing else is lost.</summary>
    [Fact]
    public void Events_that_are_taken_back_do_not_come() =>
        Gen.Select(Gen.Int[0, 33], Gen.Int[0, 1000], Gen.Int[0, 5]).Array[1, 300].Sample(steps =>
        {
            var queue = new EventQueue();
            var model = new SortedDictionary<(long Time, long Number), int>();
            long now = 0;
            for (int i = 0; i < steps.Length; i++)
            {
                (int bits, int part, int choice) = steps[i];
                long time = now + (part * (1L << bits) / 1000);
                model.Add((time, i), queue.Post(time, new SimEvent(Nobody.One, SimEventKind.Callback, i)));
                if (choice == 0)
                {
                    SimEvent taken = queue.Take(out now);
                    Assert.Equal(model.First().Key, (now, taken.Number));
                    model.Remove((now, taken.Number));
                }
                else if (choice < 4 && model.Count > 0)
                {
                    (var key, int place) = model.ElementAt(part % model.Count);
                    if (queue.TryCancel(place))
                    {
                        model.Remove(key);
                    }
                }
            }

            foreach (var key in model.Keys)
            {
                Assert.Equal(key.Number, queue.Take(out long at).Number);
                Assert.Equal(key.Time, at);
            }

            Assert.Equal(0, queue.Count);
        });

    /// <summary>From the same instant to far beyond the wheel, and with a look at what comes next.</summary>
    [Fact]
    public void Events_of_any_distance_find_their_place() =>
        Gen.Select(Gen.Int[0, 36], Gen.Int[0, 1000]).Array[1, 400].Sample(steps =>
        {
            var queue = new EventQueue();
            var model = new SortedSet<(long Time, long Number)>();
            long now = 0;
            for (int i = 0; i < steps.Length; i++)
            {
                long time = now + (steps[i].Item2 * (1L << steps[i].Item1) / 1000);
                queue.Post(time, new SimEvent(Nobody.One, SimEventKind.Callback, i));
                model.Add((time, i));
                Assert.Equal(model.Min.Time, queue.NextTime);
                if (i % 2 == 1)
                {
                    SimEvent taken = queue.Take(out now);
                    Assert.Equal(model.Min, (now, taken.Number));
                    model.Remove(model.Min);
                }

                Assert.Equal(model.Count, queue.Count);
            }

            while (model.Count > 0)
            {
                SimEvent taken = queue.Take(out now);
                Assert.Equal(model.Min, (now, taken.Number));
                model.Remove(model.Min);
            }
        });

    private sealed class Nobody() : SimEventTarget(traceId: 0)
    {
        public static readonly Nobody One = new();

        public override void Handle(in SimEvent simEvent) =>
            throw new InvalidOperationException("Nobody handles events.");
    }
}
