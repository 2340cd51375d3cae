using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Simulation.Engine;

namespace Igor.Simulation.Network;

/// <summary>
/// A network in virtual time: hosts that run the real overlay protocol, links between them, and faults.
/// Everything happens on the thread that calls <see cref="RunFor"/> and its like; the same seed and the same
/// calls give the same run, asynchronous code inside of it included (<see cref="SimulationEngine"/>).
/// </summary>
/// <example>
/// <code>
/// var network = new SimulatedNetwork(new SimulationOptions { Seed = 7 });
/// network.Grow(100, node => node.Subscribe(new SubscribeOptions { Service = "chat", Role =
/// ServiceRole.Member }, new Chat())); network.RunFor(TimeSpan.FromMinutes(2)); network.Nodes[17].PowerOff();
/// </code>
/// </example>
public sealed class SimulatedNetwork
{
    /// <summary>Timers of nodes that start at one instant would ring together.</summary>
    private static readonly TimeSpan AssemblyTime = TimeSpan.FromMinutes(1);

    private readonly List<SimulatedNode> _nodes = [];
    private readonly RunningHosts _running = new();
    private readonly Transport _transport;
    private readonly SimRandom _identities;
    private readonly SimRandom _seeds;
    private readonly SimRandom _clocks;
    private readonly SimRandom _bootstrap;

    /// <summary>Makes a network without hosts.</summary>
    /// <exception cref="ArgumentException">An option has a wrong value; the message names it.</exception>
    public SimulatedNetwork(SimulationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Error() is { } error)
        {
            throw new ArgumentException(error, nameof(options));
        }

        Options = options;
        Engine = new SimulationEngine(options.Seed);
        TimeProvider = new SimulatedTimeProvider(Engine, () => options.WallClockStart);
        Latency = options.Latency ?? SyntheticLatency.Create(Engine.RandomFor("latency"));
        _transport = new Transport(Engine, options, Latency);
        _identities = Engine.RandomFor("identities");
        _seeds = Engine.RandomFor("node seeds");
        _clocks = Engine.RandomFor("clocks");
        _bootstrap = Engine.RandomFor("bootstrap");
    }

    /// <summary>The settings.</summary>
    public SimulationOptions Options { get; }

    /// <summary>The engine below, with the clock and the trace hash.</summary>
    public SimulationEngine Engine { get; }

    /// <summary>Virtual time, for delays, timers and timeouts; a host's own has its clock skew.</summary>
    public TimeProvider TimeProvider { get; }

    /// <summary>Latency between hosts.</summary>
    public ILatencyModel Latency { get; }

    /// <summary>Virtual time since the start.</summary>
    public TimeSpan Now => Engine.Now;

    /// <summary>All hosts, in the order of creation.</summary>
    public IReadOnlyList<SimulatedNode> Nodes => _nodes;

    /// <summary>The hosts whose process runs.</summary>
    public IEnumerable<SimulatedNode> RunningNodes => _nodes.Where(node => node.IsRunning);

    /// <summary>Partitions and clogged paths.</summary>
    public NetworkFaults Faults => _transport.Faults;

    /// <summary>Sees every frame; null when nobody looks.</summary>
    public FrameTap? Tap
    {
        get => _transport.Tap;
        set => _transport.Tap = value;
    }

    /// <summary>Frames sent until now, by all hosts.</summary>
    public long FramesSent => _transport.FramesSent;

    /// <summary>The frames sent, by type.</summary>
    internal FrameCounts Counts => _transport.Counts;

    /// <summary>Records of TLS sent until now: frames of one instant on one link share one.</summary>
    public long RecordsSent => _transport.RecordsSent;

    /// <summary>
    /// Bytes sent until now by all hosts, handshakes and the headers of TLS, TCP and IP included.
    /// </summary>
    public long BytesSent => _transport.BytesSent;

    /// <summary>Connections made until now, each with a handshake of TLS.</summary>
    public long HandshakesMade => _transport.HandshakesMade;

    /// <summary>Adds a host, which does not run yet.</summary>
    /// <param name="program">Run whenever its process starts: attaches its applications.</param>
    /// <param name="bootstrap">Hosts through which it joins; none: it founds a ring.</param>
    public SimulatedNode AddNode(
        Action<SimulatedNode>? program = null, IReadOnlyList<SimulatedNode>? bootstrap = null)
    {
        var node = new SimulatedNode(this, _nodes.Count, program)
        {
            Bootstrap = bootstrap ?? [],
            ClockSkew = _clocks.Between(-Options.ClockSkewMax, Options.ClockSkewMax),
        };
        _nodes.Add(node);
        _transport.Register(node);
        return node;
    }

    /// <summary>
    /// Adds hosts and starts them one after another, each with up to three random earlier ones as bootstrap.
    /// </summary>
    /// <param name="count">Number of hosts.</param>
    /// <param name="program">Run whenever the process of one of them starts.</param>
    /// <param name="interval">Mean time between two starts; 50 ms when not given.</param>
    /// <returns>The new hosts.</returns>
    public IReadOnlyList<SimulatedNode> Grow(
        int count, Action<SimulatedNode>? program = null, TimeSpan? interval = null)
    {
        var added = new List<SimulatedNode>(count);
        TimeSpan at = TimeSpan.Zero;
        double meanMs = (interval ?? TimeSpan.FromMilliseconds(50)).TotalMilliseconds;
        for (int i = 0; i < count; i++)
        {
            SimulatedNode node = AddNode(program);
            added.Add(node);
            if (_nodes.Count == 1)
            {
                node.Start();
                continue;
            }

            at += TimeSpan.FromMilliseconds(_bootstrap.Exponential(meanMs));
            Engine.After(at, () => StartNewcomer(node));
        }

        return added;
    }

    /// <summary>
    /// Makes a network that is in its steady state at once, without an hour of joins: hosts that start one by
    /// one within a minute, each alone, and are then connected at one instant as a network that has grown is
    /// (<see cref="SteadyLinks"/>). What applications send at that instant is lost. Then they are given
    /// bootstrap addresses, up to three as those have that <see cref="Grow"/> starts.
    /// </summary>
    /// <param name="count">Number of hosts; there must be none yet.</param>
    /// <param name="program">Run when the process of each starts: attaches its applications.</param>
    /// <returns>The hosts.</returns>
    /// <exception cref="InvalidOperationException">There are hosts already.</exception>
    public IReadOnlyList<SimulatedNode> Assemble(int count, Action<SimulatedNode>? program = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (_nodes.Count > 0)
        {
            throw new InvalidOperationException("A network is assembled once, before anything else.");
        }

        for (int i = 0; i < count; i++)
        {
            SimulatedNode node = AddNode(program);
            Engine.After(_bootstrap.Between(TimeSpan.Zero, AssemblyTime), node.Start);
        }

        RunFor(AssemblyTime);
        var links = new SteadyLinks(_nodes, Options.Overlay.NeighboursPerSide, _bootstrap);
        _transport.Assembly = new Assembly(_transport, Now);
        foreach ((SimulatedNode from, SimulatedNode to, bool isFinger) in links.All())
        {
            _transport.Assembly.Connect(from.Process!, to.Process!, isFinger);
        }

        _transport.Assembly = null;
        foreach (SimulatedNode node in _nodes)
        {
            node.GiveBootstrap(_running.SampleMembers(_bootstrap, 3));
        }

        return [.. _nodes];
    }

    /// <summary>
    /// Adds a host and starts it now, with up to three random members of the ring as bootstrap.
    /// </summary>
    /// <param name="program">Run whenever its process starts: attaches its applications.</param>
    public SimulatedNode AddNewcomer(Action<SimulatedNode>? program = null)
    {
        SimulatedNode node = AddNode(program);
        StartNewcomer(node);
        return node;
    }

    /// <summary>Runs for a span of virtual time.</summary>
    public void RunFor(TimeSpan span) => Engine.RunFor(span);

    /// <summary>Runs until a condition holds or the time is up, and says whether it holds.</summary>
    public bool RunUntil(Func<bool> condition, TimeSpan limit, TimeSpan? checkEvery = null) =>
        Engine.RunUntil(condition, limit, checkEvery);

    /// <summary>
    /// Runs asynchronous code inside the simulation until it completes, which is how a test awaits: its
    /// awaits of simulated requests and delays go on as events of the run, in an order that the seed alone
    /// decides.
    /// </summary>
    /// <example>
    /// <code>
    /// network.Run(async () =>
    /// {
    ///     KbrReply reply = await service.RequestAsync(key, payload, options);
    ///     await Task.Delay(TimeSpan.FromMinutes(1), network.TimeProvider);
    /// }, limit: TimeSpan.FromMinutes(5));
    /// </code>
    /// </example>
    /// <param name="code">What is done.</param>
    /// <param name="limit">Most virtual time that it may take.</param>
    /// <exception cref="SimulationFailureException">It has not completed in time.</exception>
    public void Run(Func<Task> code, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(code);
        Task task = Engine.Enter(static code => code(), code);
        if (!RunUntil(() => task.IsCompleted, limit))
        {
            throw new SimulationFailureException(
                $"The code has not completed within {limit} of virtual time. At {Now}, seed {Engine.Seed}.");
        }

        task.GetAwaiter().GetResult();
    }

    /// <summary>Grows whenever a process starts or ends, or an application comes or goes.</summary>
    internal long MembershipVersion { get; private set; }

    internal Dictionary<ServiceId, (long Version, TrueRing Ring)> KnownRings { get; } = [];

    internal void NoteMembership() => MembershipVersion++;

    internal void NoteState(SimulatedNode node, bool isRunning)
    {
        NoteMembership();
        _running.Set(node, isRunning);
    }

    internal SimulatedDisk MakeDisk() => new(new Key(
        _identities.NextUInt64(),
        _identities.NextUInt64(),
        _identities.NextUInt64(),
        _identities.NextUInt64()));

    internal NodeProcess MakeProcess(SimulatedNode node, OverlayOptions options, ulong life) =>
        new(node, Engine, _transport, options, _seeds.NextUInt64() ^ life);

    private void StartNewcomer(SimulatedNode node)
    {
        node.Bootstrap = _running.SampleMembers(_bootstrap, 3);
        node.Start();
    }
}
