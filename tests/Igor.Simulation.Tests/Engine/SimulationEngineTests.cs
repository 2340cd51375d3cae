using Igor.Simulation.Engine;

namespace Igor.Simulation.Tests;

public class SimulationEngineTests
{
    [Fact]
    public void Engine_with_the_same_seed_leaves_the_same_trace()
    {
        Assert.Equal(Gossip(11), Gossip(11));
        Assert.NotEqual(Gossip(11).Trace, Gossip(12).Trace);
    }

    [Fact]
    public void Trace_shows_when_only_the_order_of_two_events_differs()
    {
        ulong Run(string first, string second)
        {
            var engine = new SimulationEngine(1);
            var target = new Recorder();
            engine.Post(5, new SimEvent(target, SimEventKind.Frames, first.Length));
            engine.Post(5, new SimEvent(target, SimEventKind.Frames, second.Length));
            engine.RunFor(TimeSpan.FromSeconds(1));
            return engine.TraceHash;
        }

        Assert.NotEqual(Run("a", "bb"), Run("bb", "a"));
        Assert.Equal(Run("a", "bb"), Run("a", "bb"));
    }

    [Fact]
    public void Clock_shows_the_time_of_the_event_and_then_the_end_of_the_run()
    {
        var engine = new SimulationEngine(1);
        TimeSpan seen = default;
        engine.After(TimeSpan.FromSeconds(3), () => seen = engine.Now);
        engine.RunFor(TimeSpan.FromSeconds(10));
        Assert.Equal(TimeSpan.FromSeconds(3), seen);
        Assert.Equal(TimeSpan.FromSeconds(10), engine.Now);
    }

    [Fact]
    public void Run_until_a_condition_stops_when_it_holds_or_the_time_is_up()
    {
        var engine = new SimulationEngine(1);
        bool rang = false;
        engine.After(TimeSpan.FromSeconds(3), () => rang = true);
        Assert.False(engine.RunUntil(() => rang, TimeSpan.FromSeconds(2)));
        Assert.Equal(TimeSpan.FromSeconds(2), engine.Now);
        Assert.True(engine.RunUntil(() => rang, TimeSpan.FromSeconds(2)));
        Assert.InRange(engine.Now, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(3.2));
    }

    /// <summary>Toy nodes that pass numbers on to random others after random times.</summary>
    private static (ulong Trace, long Events, long Sum) Gossip(ulong seed)
    {
        var engine = new SimulationEngine(seed);
        var nodes = new ToyNode[20];
        for (int i = 0; i < nodes.Length; i++)
        {
            nodes[i] = new ToyNode(engine, i, nodes);
        }

        engine.Post(0, new SimEvent(nodes[0], SimEventKind.Frames, 1));
        engine.RunFor(TimeSpan.FromSeconds(60));
        return (engine.TraceHash, engine.EventsHandled, nodes.Sum(node => node.Sum));
    }

    private sealed class Recorder() : SimEventTarget(traceId: 0)
    {
        public override void Handle(in SimEvent simEvent) => Assert.Equal(SimEventKind.Frames, simEvent.Kind);
    }

    private sealed class ToyNode(SimulationEngine engine, int index, ToyNode[] all) : SimEventTarget(index)
    {
        private readonly SimRandom _random = engine.RandomFor("toy " + index);

        public long Sum { get; private set; }

        public override void Handle(in SimEvent simEvent)
        {
            Sum += simEvent.Number;
            long at = engine.Now.Ticks + (long)_random.Between(1e5, 1e6);
            engine.Post(
                at, new SimEvent(all[_random.NextInt(all.Length)], SimEventKind.Frames, simEvent.Number + 1));
        }
    }
}
