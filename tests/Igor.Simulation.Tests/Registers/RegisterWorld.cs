using System.Buffers.Binary;
using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Dht;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests.Registers;

/// <summary>
/// Nodes of the DHT on the whole overlay, and clients that call registers through them, one call after the
/// other. What clients saw is judged when they have ended.
/// </summary>
internal sealed class RegisterWorld
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(4);
    private readonly SimRandom _random;
    private readonly Dictionary<SimulatedNode, SimulatedDht> _dhts = [];
    private readonly Action<SimulatedNode> _attach;
    private readonly RegisterHistory _history = new();
    private long _lastValue;
    private int _open;
    private bool _isCalling;

    public RegisterWorld(int nodes, ulong seed, SimulatedStoreOptions? disk = null)
    {
        Network = new SimulatedNetwork(new SimulationOptions { Seed = seed });
        _random = Network.Engine.RandomFor("registers");
        DhtNodeOptions options = DhtNodeOptions.Default with { VoteAfter = TimeSpan.FromSeconds(5) };
        _attach = node => _dhts[node] = SimulatedDht.Attach(node, _random, options, disk);
        Network.Grow(nodes, _attach);
        var ring = new RingChecker(Network, ServiceId.FromName(SimulatedDht.Service));
        Await("one ring", () => Network.RunningNodes.Count() == nodes && ring.Holds());
    }

    public SimulatedNetwork Network { get; }

    public IReadOnlyList<SimulatedNode> Nodes => Network.Nodes;

    public Key[] Keys { get; } = [.. Enumerable.Range(0, 4).Select(at => DhtKey.ForRegister("key " + at))];

    /// <summary>Calls that ended, and those of which nobody knows the end.</summary>
    public (int Ended, int Unknown) Calls => (_history.Ended, _history.Unknown);

    public SimulatedDht DhtOf(SimulatedNode node) => _dhts[node];

    /// <summary>A node that was never there starts, and is given some to join through.</summary>
    public SimulatedNode Join(IReadOnlyList<SimulatedNode> through)
    {
        SimulatedNode node = Network.AddNode(_attach, through);
        node.Start();
        return node;
    }

    public static DhtRegisterCall Read(Key key) => new()
    {
        Key = key,
        Verb = RegisterVerb.Get,
        Timeout = CallTimeout,
    };

    public static DhtRegisterCall Write(Key key, long value) => Read(key) with
    {
        Verb = RegisterVerb.Put,
        Value = BytesOf(value),
    };

    public static long? ValueOf(RegisterResult result) => result.Outcome == RegisterOutcomeKind.Found
        ? BinaryPrimitives.ReadInt64BigEndian(result.Value.Span)
        : null;

    /// <summary>Writes the first registers, and waits until so many vote about each.</summary>
    public void Found(int voters)
    {
        foreach (Key key in Keys)
        {
            Await("it is written", () => Call(Nodes[0], Write(key, 1)).Register is not null);
        }

        Await($"{voters} voters", () => Keys.All(
            key => Call(Nodes[0], Read(key)).Register is { } read && read.Voters == voters));
        foreach (Key key in Keys)
        {
            _history.Add(key, new RegisterCall
            {
                Kind = RegisterCallKind.Write,
                CalledAt = Network.Now,
                EndedAt = Network.Now,
                Written = 1,
            });
        }

        _lastValue = 1;
    }

    /// <summary>
    /// The nodes nearest to the middle of a key's cell, which vote about it: its root first.
    /// </summary>
    public SimulatedNode[] VotersOf(Key key)
    {
        Span<byte> bytes = stackalloc byte[Key.SizeInBytes];
        key.Write(bytes);
        bytes[1..].Clear();
        bytes[1] = 0x80;
        var middle = Key.Read(bytes);
        SimulatedNode root = Network.RunningNodes.MinBy(
            node => node.NodeId, Comparer<Key>.Create(middle.CompareNearness))!;
        SimulatedNode[] ring = [.. Network.RunningNodes.OrderBy(node => node.NodeId - root.NodeId)];
        return [.. new[] { 0, 1, -1, 2, -2 }.Select(at => ring[(at + ring.Length) % ring.Length]).Distinct()];
    }

    /// <summary>Makes a call, and waits for its end.</summary>
    public OperationResult Call(SimulatedNode via, DhtRegisterCall call)
    {
        OperationResult? result = null;
        _dhts[via].Call(call, ended => result = ended);
        Await("a call ends", () => result is not null);
        return result!;
    }

    /// <summary>Clients call from now on, each through nodes that a choice is made of.</summary>
    public void BeginCalls(int clients, IReadOnlyList<SimulatedNode>? via = null)
    {
        _isCalling = true;
        for (int at = 0; at < clients; at++)
        {
            Next(new Client(Network.Engine.RandomFor("client " + at), via ?? Nodes));
        }
    }

    /// <summary>No further calls; those under way end.</summary>
    public void EndCalls()
    {
        _isCalling = false;
        Await("calls end", () => _open == 0);
    }

    /// <summary>Judges what clients saw.</summary>
    public string? Violation()
    {
        var log = new ViolationLog(Network.Engine);
        _history.Check(log);
        return log.Count == 0 ? null : string.Join("\n", log.All.Select(violation => violation.Text));
    }

    /// <summary>Judges what clients saw; says the seed when it cannot be.</summary>
    public void Check() => Assert.True(Violation() is null, $"seed {Network.Engine.Seed}: {Violation()}");

    public void Await(string what, Func<bool> condition) => Assert.True(
        Network.RunUntil(condition, TimeSpan.FromMinutes(5), TimeSpan.FromMilliseconds(200)),
        $"it never came to this: {what}, seed {Network.Engine.Seed}");

    private static byte[] BytesOf(long value)
    {
        byte[] bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return bytes;
    }

    private void Next(Client client) => Network.Engine.After(
        TimeSpan.FromMilliseconds(client.Random.Exponential(250)), () => Start(client));

    private void Start(Client client)
    {
        if (!_isCalling)
        {
            return;
        }

        SimulatedNode node = client.Via[client.Random.NextInt(client.Via.Count)];
        if (!node.IsRunning)
        {
            Next(client);
            return;
        }

        Key key = Keys[client.Random.NextInt(Keys.Length)];
        double kind = client.Random.NextDouble();
        long? written = kind is >= 0.5 and < 0.95 ? ++_lastValue : null;
        (RegisterStamp? stamp, long? value) = client.Seen.GetValueOrDefault(key);
        bool isSwap = kind is >= 0.65 and < 0.95;
        DhtRegisterCall call = written is { } number ? Write(key, number)
            : kind < 0.5 ? Read(key)
            : Read(key) with { Verb = RegisterVerb.Delete };
        call = call with
        {
            Precondition = !isSwap ? RegisterPrecondition.None
                : stamp is null ? RegisterPrecondition.Absent
                : RegisterPrecondition.Version,
            Expected = stamp ?? default,
        };
        var open = new RegisterCall
        {
            Kind = kind < 0.5 ? RegisterCallKind.Read
                : isSwap ? RegisterCallKind.CompareAndSwap
                : RegisterCallKind.Write,
            CalledAt = Network.Now,
            Written = written,
            Expected = value,
        };
        bool hasEnded = false;
        _open++;
        void End(OperationResult? result)
        {
            if (!hasEnded)
            {
                hasEnded = true;
                _open--;
                Note(client, key, open, result);
                Next(client);
            }
        }

        _dhts[node].Call(call, End);
        Network.Engine.After(CallTimeout + TimeSpan.FromSeconds(2), () => End(null)); // its node died
    }

    private void Note(Client client, Key key, RegisterCall open, OperationResult? result)
    {
        if (result?.Register is { } ended)
        {
            long? found = ValueOf(ended);
            if (open.Kind == RegisterCallKind.Read)
            {
                client.Seen[key] = (ended.Outcome == RegisterOutcomeKind.Found ? ended.Version : null, found);
            }

            _history.Add(key, open with
            {
                EndedAt = Network.Now,
                Found = found,
                IsSwapped = ended.Outcome == RegisterOutcomeKind.Written,
            });
        }
        else if (open.Kind != RegisterCallKind.Read && result?.Failure?.Error is null or DhtError.Unknown)
        {
            _history.Add(key, open);
        }
    }

    private sealed record Client(SimRandom Random, IReadOnlyList<SimulatedNode> Via)
    {
        public Dictionary<Key, (RegisterStamp? Stamp, long? Value)> Seen { get; } = [];
    }
}
