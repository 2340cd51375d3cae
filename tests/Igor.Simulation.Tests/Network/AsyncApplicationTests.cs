using Igor.Kbr;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests;

/// <summary>Applications that await inside the simulation: nothing gets lost, runs repeat.</summary>
public class AsyncApplicationTests
{
    private const int Nodes = 20;
    private const int RequestsPerNode = 20;
    private static readonly RequestOptions Patient = new(TimeSpan.FromSeconds(20));
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Loops_of_awaited_requests_started_inside_are_all_answered_and_repeatable(bool forgetsContext)
    {
        (int Ok, ulong Hash) Run()
        {
            World world = Grow();
            int ok = 0;
            Task[] loops = [.. world.Services.Select((service, index) => world.Network.Nodes[index].Run(
                async () =>
                {
                    int answered = await AskAsync(world, service, forgetsContext);
                    ok += answered;
                }))];
            Assert.True(world.Network.RunUntil(() => loops.All(loop => loop.IsCompleted), Limit));
            return (ok, world.Network.Engine.TraceHash);
        }

        (int Ok, ulong Hash) first = Run();
        Assert.Equal(Nodes * RequestsPerNode, first.Ok);
        Assert.Equal(first, Run());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Loops_started_before_the_run_are_part_of_it(bool forgetsContext)
    {
        (int Ok, ulong Hash) Run()
        {
            World world = Grow();
            Task<int>[] loops =
                [.. world.Services.Select(service => AskAsync(world, service, forgetsContext))];
            Assert.True(world.Network.RunUntil(() => loops.All(loop => loop.IsCompleted), Limit));
            return (loops.Sum(loop => loop.GetAwaiter().GetResult()), world.Network.Engine.TraceHash);
        }

        (int Ok, ulong Hash) first = Run();
        Assert.Equal(Nodes * RequestsPerNode, first.Ok);
        Assert.Equal(first, Run());
    }

    [Fact]
    public void Delays_and_timeouts_take_virtual_time()
    {
        World world = Grow();
        SimulatedNetwork network = world.Network;
        TimeSpan start = network.Now;
        network.Run(
            async () =>
            {
                await Task.Delay(TimeSpan.FromHours(1), network.TimeProvider);
                Assert.Equal(start + TimeSpan.FromHours(1), network.Now);
                using var timer = new PeriodicTimer(TimeSpan.FromMinutes(1), network.TimeProvider);
                Assert.True(await timer.WaitForNextTickAsync());
                Assert.True(await timer.WaitForNextTickAsync());
                using var timeout = new CancellationTokenSource(
                    TimeSpan.FromMinutes(1), network.TimeProvider);
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
                    Task.Delay(TimeSpan.FromDays(1), network.TimeProvider, timeout.Token));
                await Task.Yield();
            },
            TimeSpan.FromHours(2));
        Assert.InRange(network.Now - start, TimeSpan.FromMinutes(63), TimeSpan.FromMinutes(64));
        Assert.Equal(network.Options.WallClockStart + network.Now, network.TimeProvider.GetUtcNow());
    }

    [Fact]
    public void Calls_from_another_thread_fail_and_say_how_to_do_it()
    {
        World world = Grow();
        IKbrService service = world.Services[0];
        Action[] calls =
        [
            () => service.Route(Key.Zero, default),
            () => service.Request(Key.Zero, default, Patient, _ => { }),
            () => service.RequestAsync(Key.Zero, default, Patient),
            () => service.Reply(new DeliveryToken(1), default),
            () => service.Fail(new DeliveryToken(1), "no"),
            () => _ = service.Neighbours,
            () => _ = service.DisposeAsync().AsTask(),
            () => world.Network.Nodes[0].Crash(),
            () => world.Network.Nodes[0].After(TimeSpan.Zero, () => { }),
            () => world.Network.Nodes[0].Run(() => Task.CompletedTask),
            () => world.Network.Engine.After(TimeSpan.Zero, () => { }),
            () => world.Network.Nodes[0].Stall(TimeSpan.Zero),
            () => Task.Delay(TimeSpan.FromSeconds(1), world.Network.TimeProvider),
        ];
        foreach (Action call in calls)
        {
            Exception? problem = null;
            var thread = new Thread(() => problem = Xunit.Record.Exception(call));
            thread.Start();
            thread.Join();
            Assert.Contains(
                "SimulatedNetwork.Run", Assert.IsType<InvalidOperationException>(problem).Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Await_of_another_thread_fails_the_run()
    {
        World world = Grow();
        using var isDone = new ManualResetEventSlim();
        var completion = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = world.Network.Nodes[0].Run(async () => await completion.Task);
        var thread = new Thread(() => completion.SetResult());
        thread.Start();
        thread.Join();
        Exception? problem = null;
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                problem = Xunit.Record.Exception(() => world.Network.RunFor(TimeSpan.FromSeconds(1)));
                return problem is not null;
            },
            TimeSpan.FromSeconds(60)));
        string message = Assert.IsType<SimulationFailureException>(problem).Message;
        Assert.Contains("TimeProvider", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Exceptions_of_asynchronous_code_fail_the_run()
    {
        World world = Grow();
        Task task = world.Network.Nodes[3].Run(async () =>
        {
            await world.Services[3].RequestAsync(Key.Zero, new byte[1], Patient);
            throw new NotSupportedException("a bug in a task");
        });
        SimulationFailureException failure = Assert.Throws<SimulationFailureException>(
            () => world.Network.RunFor(TimeSpan.FromSeconds(5)));
        Assert.Contains("a bug in a task", failure.Message, StringComparison.Ordinal);
        Assert.IsType<NotSupportedException>(failure.InnerException);
        Assert.True(task.IsFaulted);

        world.Network.Engine.After(TimeSpan.Zero, async void () =>
        {
            await world.Services[3].RequestAsync(Key.Zero, new byte[1], Patient);
            throw new NotSupportedException("a bug without a task");
        });
        failure = Assert.Throws<SimulationFailureException>(
            () => world.Network.RunFor(TimeSpan.FromSeconds(5)));
        Assert.Contains("a bug without a task", failure.Message, StringComparison.Ordinal);

        Assert.Throws<NotSupportedException>(() => world.Network.Run(
            async () =>
            {
                await Task.Yield();
                throw new NotSupportedException("awaited");
            },
            Limit));
        failure = Assert.Throws<SimulationFailureException>(
            () => world.Network.Run(() => new TaskCompletionSource().Task, TimeSpan.FromSeconds(1)));
        Assert.Contains("not completed", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Upcall_that_throws_fails_the_run_and_its_caller()
    {
        World world = Grow();
        SimulatedNode node = world.Network.Nodes[5];
        world.Echoes[5].Throws = true;
        KbrReply? ended = null;
        world.Services[0].Request(
            node.NodeId, new byte[1], Patient with { Exact = true }, reply => ended = reply);
        SimulationFailureException failure = Assert.Throws<SimulationFailureException>(
            () => world.Network.RunFor(TimeSpan.FromSeconds(5)));
        Assert.Contains("'test'", failure.Message, StringComparison.Ordinal);
        Assert.Contains(node.ToString(), failure.Message, StringComparison.Ordinal);
        world.Network.RunFor(TimeSpan.FromSeconds(5));
        Assert.Equal(KbrStatus.Failed, ended?.Status);
    }

    [Fact]
    public void Service_that_is_disposed_or_whose_node_leaves_ends_what_is_awaited()
    {
        World world = Grow();
        world.Echoes[7].IsMute = true;
        Key mute = world.Network.Nodes[7].NodeId;
        world.Network.Run(
            async () =>
            {
                Task<KbrReply> first = world.Services[0].RequestAsync(mute, new byte[1], Patient);
                await Task.Delay(TimeSpan.FromSeconds(1), world.Network.TimeProvider);
                await world.Services[0].DisposeAsync();
                Assert.Equal(KbrStatus.Closed, (await first).Status);
                Assert.Equal(
                    KbrStatus.Closed,
                    (await world.Services[0].RequestAsync(mute, new byte[1], Patient)).Status);

                Task<KbrReply> second = world.Services[1].RequestAsync(mute, new byte[1], Patient);
                await Task.Delay(TimeSpan.FromSeconds(1), world.Network.TimeProvider);
                await world.Network.Nodes[1].DisposeAsync();
                Assert.Equal(KbrStatus.Closed, (await second).Status);
            },
            Limit);
    }

    private static async Task<int> AskAsync(World world, IKbrService service, bool forgetsContext)
    {
        int ok = 0;
        for (int i = 0; i < RequestsPerNode; i++)
        {
            Key key = Key.HashOf($"{service.NodeId} {i}");
            KbrReply reply = await service.RequestAsync(key, key.ToBytes(), Patient)
                .ConfigureAwait(!forgetsContext);
            ok += reply.Status == KbrStatus.Ok && Key.Read(reply.Payload.Span) == key ? 1 : 0;
            await Task.Delay(TimeSpan.FromMilliseconds(10), world.Network.TimeProvider)
                .ConfigureAwait(!forgetsContext);
        }

        return ok;
    }

    private static World Grow()
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = 14 });
        var services = new List<IKbrService>();
        var echoes = new List<EchoApplication>();
        network.Grow(Nodes, node =>
        {
            echoes.Add(new EchoApplication());
            services.Add(node.Subscribe(
                new SubscribeOptions { Service = "test", Role = ServiceRole.Member }, echoes[^1]));
        });
        Assert.True(network.RunUntil(
            () => services.Count == Nodes && services.All(one => one.Neighbours.Count >= 16),
            TimeSpan.FromMinutes(2)));
        return new World(network, services, echoes);
    }

    private sealed record World(
        SimulatedNetwork Network, List<IKbrService> Services, List<EchoApplication> Echoes);

    private sealed class EchoApplication : IKbrApplication
    {
        public bool IsMute { get; set; }

        public bool Throws { get; set; }

        public void Deliver(in KbrDelivery delivery)
        {
            if (Throws)
            {
                throw new NotSupportedException("a bug in an upcall");
            }

            if (!IsMute)
            {
                delivery.Service.Reply(delivery.Token, delivery.Payload);
            }
        }

        public void Update(NeighbourChange change)
        {
        }
    }
}
