using Igor.Dht.Protocol.Hosting;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Dht;

/// <summary>
/// The DHT on a simulated host: a <see cref="DhtNode"/> attached to the host's overlay node, with a record
/// store on the host's disk when it is a member.
/// </summary>
public sealed class SimulatedDht : IKbrApplication, IDhtOutput
{
    /// <summary>The service that the DHT runs in.</summary>
    public const string Service = "dht";

    private readonly SimulatedNode _host;
    private readonly IKbrService _service;
    private readonly IRecordStore? _store;
    private readonly DhtNode _node;
    private readonly Queue<Action<DhtTime>> _inputs = [];
    private readonly SortedDictionary<long, Action<CommandResult>> _commands = [];
    private long _lastCommand;
    private long _armedNumber;
    private TimeSpan? _armedAt;
    private bool _isHandling;

    private SimulatedDht(
        SimulatedNode host, ServiceRole role, DhtNodeOptions options, IRecordStore? store, ulong seed)
    {
        _host = host;
        _store = store;
        _node = new DhtNode(host.NodeId, options, this, seed);
        _node.Start(Time, store?.Headers(Arc.Whole) ?? [], note => store?.ReadNote(note));
        _service = host.Subscribe(new SubscribeOptions { Service = Service, Role = role }, this);
        Input(now => _node.HandleUpdate(now, AllJoined(_service.Neighbours)));
    }

    /// <summary>How the node is.</summary>
    public DhtNodeStatus Status => _node.Status;

    /// <summary>Commands that have not ended.</summary>
    public int OpenCommands => _commands.Count;

    private DhtTime Time => new(_host.Now, _host.Time.UnixMs, _host.Time.IsTrusted);

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
        return new SimulatedDht(
            host, ServiceRole.Member, options ?? DhtNodeOptions.Default, store, random.NextUInt64());
    }

    /// <summary>Attaches a client, which keeps nothing, to a running host.</summary>
    public static SimulatedDht AttachClient(
        SimulatedNode host, SimRandom random, DhtNodeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(random);
        return new SimulatedDht(
            host, ServiceRole.Client, options ?? DhtNodeOptions.Default, null, random.NextUInt64());
    }

    /// <summary>Writes a record.</summary>
    public void Put(DhtPut put, Action<CommandResult> completed) =>
        Begin(completed, (now, command) => _node.Put(now, command, put));

    /// <summary>Reads a record.</summary>
    public void Get(DhtGet get, Action<CommandResult> completed) =>
        Begin(completed, (now, command) => _node.Get(now, command, get));

    void IKbrApplication.Deliver(in KbrDelivery delivery)
    {
        // Upcalls never come while an input is handled: the host queues them.
        _isHandling = true;
        _node.HandleDelivery(Time, delivery);
        Settle();
    }

    void IKbrApplication.Update(NeighbourChange change) => Input(now => _node.HandleUpdate(now, change));

    void IDhtOutput.Request(
        long token, Key destination, bool exact, ReadOnlyMemory<byte> payload, TimeSpan timeout) =>
        _service.Request(
            destination, payload, new RequestOptions(timeout, exact), reply => HandleReply(token, reply));

    void IDhtOutput.Reply(DeliveryToken delivery, ReadOnlyMemory<byte> payload) =>
        _service.Reply(delivery, payload);

    void IDhtOutput.Write(long token, Record record)
    {
        if (_store is null)
        {
            Input(now => _node.HandleWritten(now, token, StoreOutcome.Failed));
            return;
        }

        _store.Write(record, outcome => Input(now => _node.HandleWritten(now, token, outcome)));
    }

    void IDhtOutput.Replace(long token, Record record, RecordVersion held) => _store!.Replace(
        record, held, outcome => Input(now => _node.HandleWritten(now, token, outcome)));

    void IDhtOutput.Read(long token, Key key)
    {
        if (_store is null)
        {
            Input(now => _node.HandleRead(now, token, null));
            return;
        }

        _store.Read(key, record => Input(now => _node.HandleRead(now, token, record)));
    }

    void IDhtOutput.Remove(Key key, RecordVersion version) => _store?.Remove(key, version, _ => { });

    // Simulated memory has no bound; the node's own tests see to shares.
    bool IDhtOutput.TryHold(Key via, int bytes) => true;

    void IDhtOutput.Release(Key via, int bytes)
    {
    }

    void IDhtOutput.Complete(long command, CommandResult result)
    {
        if (_commands.Remove(command, out Action<CommandResult>? completed))
        {
            // Not from within the node: the caller may start the next command.
            _host.After(TimeSpan.Zero, () => completed(result));
        }
    }

    void IDhtOutput.Remember(string note, byte[] content) => _store?.WriteNote(note, content);

    private static NeighbourChange AllJoined(NeighbourSet neighbours) =>
        new(neighbours, [.. neighbours.Others], []);

    private void Begin(Action<CommandResult> completed, Action<DhtTime, long> start)
    {
        long command = ++_lastCommand;
        _commands.Add(command, completed);
        Input(now => start(now, command));
    }

    private void HandleReply(long token, in KbrReply reply)
    {
        if (_isHandling)
        {
            KbrReply kept = reply with { Payload = reply.Payload.ToArray() };
            Input(now => _node.HandleReply(now, token, kept));
            return;
        }

        _isHandling = true;
        _node.HandleReply(Time, token, reply);
        Settle();
    }

    private void Input(Action<DhtTime> input)
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
        while (_inputs.TryDequeue(out Action<DhtTime>? input))
        {
            input(Time);
        }

        _isHandling = false;
        Arm();
    }

    private void Arm()
    {
        if (_node.NextDeadline is not { } deadline || (_armedAt is { } armed && armed <= deadline))
        {
            return;
        }

        _armedAt = deadline;
        long number = ++_armedNumber;
        TimeSpan delay = deadline > _host.Now ? deadline - _host.Now : TimeSpan.Zero;
        _host.After(delay, () =>
        {
            if (number == _armedNumber)
            {
                _armedAt = null;
                Input(_node.HandleDeadline);
            }
        });
    }
}
