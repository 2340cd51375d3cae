using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Simulation.Engine;
using Igor.Simulation.Faults;

namespace Igor.Simulation.Network;

/// <summary>What a simulated host is doing.</summary>
public enum NodeState
{
    /// <summary>The machine is up; no process runs.</summary>
    Stopped,

    /// <summary>The process runs.</summary>
    Running,

    /// <summary>The machine is off, or cut off for good: not even a refusal comes from it.</summary>
    PoweredOff,
}

/// <summary>
/// A host of the simulated network: a machine with an address, a disk and a clock, and a process that runs a
/// node. It is an <see cref="IKbrHost"/>, so applications attach to it as they attach to a real node.
/// </summary>
public sealed class SimulatedNode : IKbrHost
{
    private readonly SimulatedNetwork _network;
    private readonly Queue<string>? _events;
    private long _uplinkFree;
    private ulong _lives;

    internal SimulatedNode(SimulatedNetwork network, int index, Action<SimulatedNode>? program)
    {
        _network = network;
        Index = index;
        Address = $"10.{index >> 16}.{(index >> 8) & 255}.{index & 255}:4001";
        Program = program;
        Disk = network.MakeDisk();
        _events = network.Options.EventsKept > 0 ? [] : null;
    }

    /// <summary>Number of the host, from 0 in the order of creation.</summary>
    public int Index { get; }

    /// <summary>Where others reach it.</summary>
    public string Address { get; }

    /// <inheritdoc/>
    public Key NodeId => Disk.NodeId;

    /// <summary>What survives the process.</summary>
    public SimulatedDisk Disk { get; private set; }

    /// <summary>What the host is doing.</summary>
    public NodeState State
    {
        get;
        private set
        {
            bool wasRunning = field == NodeState.Running;
            field = value;
            if (IsRunning != wasRunning)
            {
                _network.NoteState(this, IsRunning);
            }
        }
    } = NodeState.Stopped;

    /// <summary>Whether the process runs.</summary>
    public bool IsRunning => State == NodeState.Running;

    /// <summary>Whether the node says that it is an active member of the ring.</summary>
    public bool IsJoined => Process is { IsAlive: true } process && process.Overlay.IsJoined;

    /// <summary>Run whenever the process starts: attaches the applications of this host.</summary>
    public Action<SimulatedNode>? Program { get; set; }

    /// <summary>What the node leaves unanswered from now on.</summary>
    public MemberSilence Silence
    {
        get;
        set
        {
            field = value;
            Process?.Silence = value;
        }
    }

    /// <summary>Hosts through which the node joins when it starts.</summary>
    public IReadOnlyList<SimulatedNode> Bootstrap { get; set; } = [];

    /// <summary>
    /// Addresses that the node says it has, before the one that works: nobody answers there. At most 3.
    /// </summary>
    public IReadOnlyList<string> DeadAddresses { get; set; } = [];

    /// <summary>How far the wall clock of this host is off.</summary>
    public TimeSpan ClockSkew
    {
        get;
        set
        {
            field = value;
            Process?.HandleClockSet();
        }
    }

    /// <summary>What the wall clock of this host shows.</summary>
    public DateTimeOffset WallClock => _network.Options.WallClockStart + _network.Now + ClockSkew;

    /// <summary>What time it is to the node that runs here.</summary>
    public NetworkTime Time => Process is { IsAlive: true } process
        ? process.Overlay.Clock.At(Now, WallClock.ToUnixTimeMilliseconds())
        : CorrectedClock.Unknown.At(Now, WallClock.ToUnixTimeMilliseconds());

    /// <summary>
    /// How fast the monotonic clock of this host is that the DHT goes by; 1 is right. Set before the process
    /// starts.
    /// </summary>
    public double ClockRate { get; set; } = 1;

    /// <summary>What that clock shows.</summary>
    public TimeSpan Monotonic => ClockRate == 1 ? Now : Now * ClockRate;

    /// <summary>Virtual time with the wall clock of this host, for delays, timers and timeouts.</summary>
    public TimeProvider TimeProvider => field ??= new SimulatedTimeProvider(
        _network.Engine, () => _network.Options.WallClockStart + ClockSkew);

    /// <summary>Virtual time since the start of the simulation, the same on all hosts.</summary>
    public TimeSpan Now => _network.Now;

    /// <summary>
    /// Bytes that this host sent, handshakes and the headers of TLS, TCP and IP included.
    /// </summary>
    public long BytesSent { get; private set; }

    /// <summary>Links that are open at this host.</summary>
    public int LinkCount => Process is { IsAlive: true } process ? process.LinkCount : 0;

    /// <summary>Most links that were open at this host at once.</summary>
    public int LinksMax { get; private set; }

    /// <summary>Links that others opened to this host until now.</summary>
    public long LinksAccepted { get; private set; }

    /// <summary>Requests of its applications that are not answered yet.</summary>
    public int PendingRequests =>
        Process is { IsAlive: true } process ? process.Applications.OpenRequests : 0;

    /// <summary>The connected peers as the node sees them.</summary>
    public IReadOnlyList<PeerStatus> Peers =>
        Process is { IsAlive: true } process ? process.Overlay.Peers : [];

    /// <summary>
    /// The last things that the node reported, oldest first; none unless <see
    /// cref="SimulationOptions.EventsKept"/> says so.
    /// </summary>
    public IReadOnlyCollection<string> Events => _events is null ? [] : _events;

    internal NodeProcess? Process { get; private set; }

    internal bool KeepsEvents => _events is not null;

    internal bool IsMachineUp => State != NodeState.PoweredOff;

    /// <summary>Starts the process (and the machine).</summary>
    /// <exception cref="InvalidOperationException">It runs already.</exception>
    public void Start()
    {
        _network.Engine.CheckThread();
        if (IsRunning)
        {
            throw new InvalidOperationException($"{this} runs already.");
        }

        State = NodeState.Running;
        OverlayOptions options = _network.Options.Overlay with
        {
            Addresses = [.. DeadAddresses, Address],
            Bootstrap = [.. Bootstrap.Where(node => node != this).Select(node => node.Address)],
            KnownMembers = Disk.KnownMembers,
        };
        Process = _network.MakeProcess(this, options, ++_lives);
        Process.Start();
        if (Program is { } program)
        {
            _network.Engine.Enter(
                static call =>
                {
                    call.program(call.node);
                    return true;
                },
                (program, node: this));
        }
    }

    /// <summary>
    /// Starts asynchronous code of an application on this host inside the simulation: its awaits of simulated
    /// requests and delays go on as events of the run. When it throws, the run fails.
    /// </summary>
    /// <returns>The code's task, to be looked at between runs.</returns>
    public Task Run(Func<Task> code)
    {
        ArgumentNullException.ThrowIfNull(code);
        _network.Engine.CheckThread();
        return _network.Engine.Enter(
            static call => call.node.Watch(call.code()), (node: this, code));
    }

    /// <summary>
    /// The process dies at once (SIGKILL): its links break, unwritten data is gone, the disk stays.
    /// </summary>
    public void Crash() => End(NodeState.Stopped);

    /// <summary>The machine dies silently: nobody is told, nothing answers. The disk stays.</summary>
    public void PowerOff() => End(NodeState.PoweredOff);

    /// <summary>The disk is lost, and with it the identity. Only while the process does not run.</summary>
    /// <exception cref="InvalidOperationException">The process runs.</exception>
    public void LoseDisk()
    {
        if (IsRunning)
        {
            throw new InvalidOperationException($"{this} runs: crash it first.");
        }

        Disk = _network.MakeDisk();
    }

    /// <summary>The node says good-bye to its peers and ends.</summary>
    public void Leave()
    {
        _network.Engine.CheckThread();
        if (Process is { IsAlive: true } process)
        {
            RememberPeers(process);
            process.Leave();
            State = NodeState.Stopped;
        }
    }

    /// <summary>
    /// The process stands still for a while, as one does that swaps or is stopped; its links stay open.
    /// </summary>
    public void Stall(TimeSpan duration)
    {
        _network.Engine.CheckThread();
        Process?.Stall(duration);
    }

    /// <summary>Calls back when some time has passed, unless the process is dead by then.</summary>
    /// <exception cref="InvalidOperationException">The process does not run.</exception>
    public void After(TimeSpan delay, Action callback)
    {
        _network.Engine.CheckThread();
        if (Process is not { IsAlive: true } process)
        {
            throw new InvalidOperationException($"{this} does not run.");
        }

        process.After(delay, callback);
    }

    /// <summary>The neighbour set of the node in a service; null when it does not run.</summary>
    public NeighbourSet? Neighbours(ServiceId service) =>
        Process is { IsAlive: true } process ? process.Overlay.Neighbours(service) : null;

    /// <summary>Whether the node says that it is an active member of a service's ring.</summary>
    public bool IsActiveIn(ServiceId service) => Neighbours(service) is { IsMember: true };

    /// <summary>Whether an application on this node has the role in the service.</summary>
    public bool Runs(ServiceId service, ServiceRole role) =>
        Process is { IsAlive: true } process && process.Applications.Runs(service, role);

    /// <inheritdoc/>
    public ValueTask<HostStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Process is not { IsAlive: true } process)
        {
            throw new KbrException($"{this} is not running.");
        }

        return ValueTask.FromResult(new HostStatus(
            NodeId,
            _network.Options.Overlay.Network,
            "simulated",
            [Address],
            process.Overlay.Ring,
            [.. Peers],
            [.. process.Applications.Services],
            [.. process.Overlay.Troubles],
            process.Overlay.FiguresAt(_network.Now)));
    }

    /// <inheritdoc/>
    public ValueTask<IKbrService> SubscribeAsync(
        SubscribeOptions options,
        IKbrApplication application,
        CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Subscribe(options, application));
    }

    /// <summary>Attaches an application to a service.</summary>
    /// <exception cref="KbrException">
    /// The service already has a member application on this node, the name is not valid, or the node is
    /// closed.
    /// </exception>
    public IKbrService Subscribe(SubscribeOptions options, IKbrApplication application)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(application);
        _network.Engine.CheckThread();
        return Process is { } process
            ? process.Applications.Subscribe(options, application)
            : throw new KbrException($"{this} is not running.");
    }

    /// <summary>Leaves the network.</summary>
    public ValueTask DisposeAsync()
    {
        Leave();
        return ValueTask.CompletedTask;
    }

    /// <summary>Its number and the beginning of its id.</summary>
    public override string ToString() => $"node {Index} ({NodeId.ToShortString()})";

    /// <summary>The running node gets hosts where it looks for other rings.</summary>
    internal void GiveBootstrap(IEnumerable<SimulatedNode> hosts)
    {
        Bootstrap = [.. hosts.Where(host => host != this)];
        Process!.Overlay.GiveBootstrap(Now, [.. Bootstrap.Select(host => host.Address)]);
        Process.Settle();
    }

    internal void NoteMembership() => _network.NoteMembership();

    internal void CountLinks(int open, bool isAccepted)
    {
        LinksMax = Math.Max(LinksMax, open);
        LinksAccepted += isAccepted ? 1 : 0;
    }

    internal void CountSent(int bytes) => BytesSent += bytes;

    internal long TakeUplink(long now, int bytes, double bytesPerSecond)
    {
        _uplinkFree = Math.Max(_uplinkFree, now) + (long)(bytes * TimeSpan.TicksPerSecond / bytesPerSecond);
        return _uplinkFree;
    }

    internal void Note(OverlayEvent overlayEvent)
    {
        if (_events!.Count == _network.Options.EventsKept)
        {
            _events.Dequeue();
        }

        string peer = overlayEvent.Peer.ToShortString();
        _events.Enqueue($"{_network.Now:hh\\:mm\\:ss\\.fff} {overlayEvent.Kind} {peer} {overlayEvent.Text}");
    }

    private async Task Watch(Task code)
    {
        try
        {
            await code;
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            _network.Engine.Report($"Asynchronous code on {this} threw: {problem.Message}", problem);
            throw;
        }
    }

    private void End(NodeState state)
    {
        _network.Engine.CheckThread();
        if (Process is { IsAlive: true } process)
        {
            RememberPeers(process);
            process.Die(withMachine: state == NodeState.PoweredOff);
        }

        State = state;
    }

    private void RememberPeers(NodeProcess process) =>
        Disk.KnownMembers = process.Overlay.KnownMembers;
}
