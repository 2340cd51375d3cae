using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Hosting;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Dht;

/// <summary>
/// The DHT on a simulated host: a <see cref="DhtDriver"/> attached to the host's overlay node, with a record
/// store on the host's disk when it is a member.
/// </summary>
public sealed class SimulatedDht : IKbrApplication, IDhtHost
{
    /// <summary>The service that the DHT runs in.</summary>
    public const string Service = "dht";

    /// <summary>Most deadlines in a moment: who leaves one in the past has them without end.</summary>
    private const int DeadlinesMax = 1000;

    private static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(1);

    private readonly SimulatedNode _host;
    private readonly DhtDriver _driver;
    private readonly Queue<Action> _inputs = [];
    private long _armedNumber;
    private TimeSpan? _armedAt;
    private TimeSpan _countedSince;
    private int _deadlines;
    private bool _isHandling;
    private readonly IKbrService _service;
    private Action? _left;
    private Action? _drained;
    private readonly BlindIndex? _blind;

    private SimulatedDht(
        SimulatedNode host,
        ServiceRole role,
        DhtNodeOptions options,
        SimulatedRecordStore? store,
        ulong seed,
        IVoterLog? log)
    {
        _host = host;
        _blind = store?.Blind;
        _driver = new DhtDriver(host.NodeId, options, store, this, seed, log);
        _driver.Start();
        _service = host.Subscribe(new SubscribeOptions { Service = Service, Role = role }, this);
        Input(() => _driver.Attach(_service));
    }

    /// <summary>How the node is.</summary>
    public DhtNodeStatus Status => _driver.Status;

    /// <summary>Operations that have not ended.</summary>
    public int OpenOperations => _driver.OpenOperations;

    DhtTime IDhtHost.Now => new(_host.Monotonic, _host.Time.UnixMs, _host.Time.IsTrusted);

    /// <summary>Attaches a member that keeps records to a running host.</summary>
    public static SimulatedDht Attach(
        SimulatedNode host,
        SimRandom random,
        DhtNodeOptions? options = null,
        SimulatedStoreOptions? disk = null)
    {
        ArgumentNullException.ThrowIfNull(random);
        var store = new SimulatedRecordStore(
            host, disk ?? new SimulatedStoreOptions(), random.For("disk of " + host.Index));
        ulong seed = random.NextUInt64();
        var log = new SimulatedVoterLog(
            host, disk ?? new SimulatedStoreOptions(), random.For("voter log of " + host.Index));
        return new SimulatedDht(
            host, ServiceRole.Member, options ?? DhtNodeOptions.Default, store, seed, log.Open());
    }

    /// <summary>Attaches a client, which keeps nothing, to a running host.</summary>
    public static SimulatedDht AttachClient(
        SimulatedNode host, SimRandom random, DhtNodeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(random);
        return new SimulatedDht(
            host, ServiceRole.Client, options ?? DhtNodeOptions.Default, null, random.NextUInt64(), null);
    }

    /// <summary>Writes a record.</summary>
    public void Put(DhtPut put, Action<OperationResult> completed) =>
        Input(() => _driver.Put(put, Later(completed)));

    /// <summary>Reads a record.</summary>
    public void Get(DhtGet get, Action<OperationResult> completed) =>
        Input(() => _driver.Get(get, Later(completed)));

    /// <summary>Operates on a register.</summary>
    public void Call(DhtRegisterCall call, Action<OperationResult> completed) =>
        Input(() => _driver.Call(call, Later(completed)));

    /// <summary>
    /// Hands over what the node coordinates and ends the driver, as a host that stops does.
    /// </summary>
    public void Close() => Input(_driver.Close);

    /// <summary>
    /// The host is going to leave: gives other members what they lack, as a real one does, and serves
    /// meanwhile.
    /// </summary>
    /// <param name="atMost">When that is given up.</param>
    /// <param name="left">Called once; the host can leave then.</param>
    public void BeginLeaving(TimeSpan atMost, Action left)
    {
        _left = left;
        _host.After(atMost, HandleLeft);
        Input(_driver.BeginLeaving);
    }

    /// <summary>
    /// The host is to go for good: gives others all that it holds and is voted out, as a real one is.
    /// </summary>
    /// <param name="within">The time that it may take; then it stays.</param>
    /// <param name="drained">Called once when it is done; the host leaves then.</param>
    public void BeginDraining(TimeSpan within, Action drained)
    {
        _drained = drained;
        Input(() => _driver.Drain(within));
    }

    /// <summary>An operator says that a member is dead for good; those near it forget it.</summary>
    /// <param name="member">The member.</param>
    /// <param name="told">Called once; null when nobody answered.</param>
    public void Forget(Key member, Action<ForgetResult?> told) => _service.Request(
        member,
        new ForgetMessage(member, IsMeant: true).Encode(),
        new RequestOptions(TimeSpan.FromSeconds(5), Exact: false),
        reply => told(reply.Status == KbrStatus.Ok ? ForgetMessage.TryDecode(reply.Payload) : null));

    /// <summary>How far it is with that.</summary>
    public DrainProgress Draining => _driver.Draining;

    void IKbrApplication.Deliver(in KbrDelivery delivery)
    {
        // Upcalls never come while an input is handled: the host queues them.
        _isHandling = true;
        _blind?.IsBlind = DhtDriver.IsRecord(delivery.Payload.Span);
        _driver.HandleDelivery(delivery);
        _blind?.IsBlind = false;
        Settle();
    }

    void IKbrApplication.Update(NeighbourChange change) => Input(() => _driver.HandleUpdate(change));

    void IDhtHost.TakeReply(long token, in KbrReply reply)
    {
        if (_isHandling)
        {
            KbrReply kept = reply with { Payload = reply.Payload.ToArray() };
            Input(() => _driver.HandleReply(token, kept));
            return;
        }

        _isHandling = true;
        _driver.HandleReply(token, reply);
        Settle();
    }

    void IDhtHost.TakeWritten(long token, StoreOutcome outcome) =>
        Input(() => _driver.HandleWritten(token, outcome));

    void IDhtHost.TakeRead(long token, Record? record) => Input(() => _driver.HandleRead(token, record));

    void IDhtHost.TakeSynced(bool isDurable) => Input(() => _driver.HandleSynced(isDurable));

    // Simulated memory has no bound; the node's own tests see to shares.
    bool IDhtHost.TryHold(Key via, int bytes) => true;

    void IDhtHost.Release(Key via, int bytes)
    {
    }

    // Not from within the driver: the caller may start the next operation.
    private Action<OperationResult> Later(Action<OperationResult> completed) =>
        result => _host.After(TimeSpan.Zero, () => completed(result));

    private void Input(Action input)
    {
        _inputs.Enqueue(input);
        if (!_isHandling)
        {
            _isHandling = true;
            Settle();
        }
    }

    private void Settle()
    {
        while (_inputs.TryDequeue(out Action? input))
        {
            input();
        }

        _isHandling = false;
        Arm();
        if (_left is not null && _driver.IsReadyToLeave)
        {
            _host.After(TimeSpan.Zero, HandleLeft);
        }

        if (_drained is { } drained && _driver.Draining.Stage == DrainStage.Drained)
        {
            _drained = null;
            _driver.Retire();
            _host.After(TimeSpan.Zero, drained);
        }
    }

    private void HandleLeft()
    {
        Action? left = _left;
        _left = null;
        left?.Invoke();
    }

    private void Arm()
    {
        if (_driver.NextDeadline is not { } deadline || (_armedAt is { } armed && armed <= deadline))
        {
            return;
        }

        _armedAt = deadline;
        long number = ++_armedNumber;
        TimeSpan left = deadline > _host.Monotonic ? deadline - _host.Monotonic : TimeSpan.Zero;
        TimeSpan delay = _host.ClockRate == 1 ? left : (left / _host.ClockRate) + TimeSpan.FromTicks(1);
        _host.After(delay, () =>
        {
            if (number == _armedNumber)
            {
                _armedAt = null;
                Input(_driver.HandleDeadline);
                CountDeadline();
            }
        });
    }

    private void CountDeadline()
    {
        if (_host.Now - _countedSince > s_moment)
        {
            _countedSince = _host.Now;
            _deadlines = 0;
        }

        if (++_deadlines > DeadlinesMax)
        {
            throw new InvalidOperationException(
                $"The DHT of {_host} leaves a deadline in the past: a real host would spin.");
        }
    }
}
