using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Harness;

/// <summary>
/// DHT nodes on a perfect ring in virtual time: every message goes straight to the nearest living member,
/// members
/// hear of changes after a short delay each. Faults are what a test asks for.
/// </summary>
internal sealed class DhtCluster(int seed)
{
    private readonly PriorityQueue<Action, (TimeSpan, long)> _events = new();
    private readonly Random _random = new(seed);
    private readonly Dictionary<Key, DhtClusterNode> _nodes = [];
    private readonly HashSet<(Key, Key)> _cut = [];
    private readonly HashSet<(Key, Key)> _severed = [];
    private long _lastEvent;

    public const long EpochUnixMs = 1_800_000_000_000;

    public int Seed => seed;

    public TimeSpan Now { get; private set; }

    public DhtTime Time => new(Now, EpochUnixMs + (long)Now.TotalMilliseconds);

    public IEnumerable<DhtClusterNode> Alive =>
        _nodes.Values.Where(n => n.IsAlive).OrderBy(n => n.Id);

    public DhtNodeOptions Options { get; set; } = DhtNodeOptions.Default;

    /// <summary>Nodes at random places, joined and settled.</summary>
    public static DhtCluster Of(int count, int seed = 1, bool settled = true)
    {
        var cluster = new DhtCluster(seed);
        for (int at = 0; at < count; at++)
        {
            cluster.Add();
        }

        if (settled)
        {
            cluster.RunUntil(
                () => cluster.Alive.All(n => n.Dht.Status is { IsSettled: true, IsReplicated: true }));
        }

        return cluster;
    }

    public DhtClusterNode Add() => Add(Key.HashOf($"{seed}/{_nodes.Count}"));

    public DhtClusterNode Add(Key id)
    {
        var node = new DhtClusterNode(this, id, (ulong)_random.NextInt64());
        _nodes.Add(id, node);
        node.Start();
        Announce();
        return node;
    }

    public void Kill(DhtClusterNode node, bool loseDisk = false)
    {
        node.IsAlive = false;
        if (loseDisk)
        {
            node.Disk.Clear();
        }

        Announce();
    }

    /// <summary>Leaves the ring, at once, without handing over.</summary>
    public void Depart(DhtClusterNode node)
    {
        node.IsAlive = false;
        node.HasLeft = true;
        Announce();
    }

    /// <summary>
    /// Leaves the ring in order, as a real host does: after handing over, for 10 s at most.
    /// </summary>
    public void Leave(DhtClusterNode node)
    {
        node.Dht.BeginLeaving();
        node.Schedule();
        TimeSpan end = Now + TimeSpan.FromSeconds(10);
        void Look()
        {
            if (node.Dht.IsReadyToLeave || Now >= end)
            {
                Depart(node);
            }
            else
            {
                At(TimeSpan.FromMilliseconds(1), Look);
            }
        }

        Look();
    }

    /// <summary>Goes for good, as a real host does: it leaves the ring when it is drained.</summary>
    public void Drain(DhtClusterNode node, double seconds = 30)
    {
        node.Dht.Drain(TimeSpan.FromSeconds(seconds));
        node.Schedule();
        void Look()
        {
            if (node.IsAlive && node.Dht.Draining.Stage == DrainStage.Drained)
            {
                node.Dht.Retire();
                Depart(node);
            }
            else if (node.IsAlive && node.Dht.Draining.Stage is DrainStage.Moving or DrainStage.Closing)
            {
                At(TimeSpan.FromMilliseconds(1), Look);
            }
        }

        Look();
    }

    public void Revive(DhtClusterNode node)
    {
        node.Start();
        Announce();
    }

    /// <summary>Loses messages from one node to another.</summary>
    public void Cut(Key from, Key to) => _cut.Add((from, to));

    public void Heal() => _cut.Clear();

    /// <summary>No link between two nodes: neither sees the other, and messages go around.</summary>
    public void Sever(Key left, Key right)
    {
        _severed.Add((left, right));
        _severed.Add((right, left));
        Announce();
    }

    /// <summary>One node sees another no more, which sees it all the same.</summary>
    public void Lose(DhtClusterNode at, Key other)
    {
        _severed.Add((at.Id, other));
        at.Look();
    }

    /// <summary>All links are there again.</summary>
    public void Unsever()
    {
        _severed.Clear();
        Announce();
    }

    public void At(TimeSpan delay, Action action) =>
        _events.Enqueue(action, (Now + delay, ++_lastEvent));

    /// <summary>How much slower the network is than in one room.</summary>
    public int Slowness { get; set; } = 1;

    public TimeSpan Latency() => TimeSpan.FromMicroseconds(_random.Next(200, 2000) * Slowness);

    /// <summary>Runs until a condition holds; fails with the seed when it does not in virtual time.</summary>
    public void RunUntil(Func<bool> condition, double seconds = 60)
    {
        TimeSpan end = Now + TimeSpan.FromSeconds(seconds);
        while (!condition())
        {
            if (!_events.TryDequeue(out Action? next, out (TimeSpan Due, long) at) || at.Due > end)
            {
                Assert.Fail($"not within {seconds} virtual seconds (seed {seed})");
            }

            Now = at.Due;
            next();
        }
    }

    public void Run(double seconds)
    {
        TimeSpan end = Now + TimeSpan.FromSeconds(seconds);
        while (_events.TryPeek(out _, out (TimeSpan Due, long) at) && at.Due <= end)
        {
            Now = at.Due;
            _events.Dequeue()();
        }

        Now = end;
    }

    public OperationResult Put(
        string name, string value, DhtClusterNode? via = null, Func<DhtPut, DhtPut>? with = null)
    {
        var put = new DhtPut
        {
            Key = DhtKey.ForValue(name),
            Type = ValueRecordType.TypeName,
            Value = System.Text.Encoding.UTF8.GetBytes(value),
            Timeout = TimeSpan.FromSeconds(10),
        };
        return Wait((via ?? Alive.First()).Put(with?.Invoke(put) ?? put));
    }

    public OperationResult Get(
        Key key,
        DhtClusterNode? via = null,
        double seconds = 10,
        GetConsistency consistency = default,
        string type = ValueRecordType.TypeName) =>
        Wait((via ?? Alive.First()).Get(new DhtGet
        {
            Key = key,
            Type = type,
            Timeout = TimeSpan.FromSeconds(seconds),
            Consistency = consistency,
        }));

    public GetResult Get(string name, DhtClusterNode? via = null, double seconds = 10) =>
        Get(DhtKey.ForValue(name), via, seconds).Got!;

    /// <summary>The value of a name; fails when it is not found.</summary>
    public string Value(string name, DhtClusterNode? via = null)
    {
        GetResult got = Get(name, via);
        Assert.True(
            got.Outcome == GetOutcome.Found,
            $"{name}: {got.Outcome}, {got.ReplicasAnswered} of {got.ReplicasAsked} (seed {seed})");
        return System.Text.Encoding.UTF8.GetString(got.Value.Span);
    }

    /// <summary>The living nodes, those nearest to a key first.</summary>
    public DhtClusterNode[] NearestTo(Key key) =>
        [.. Alive.OrderBy(n => n.Id, Comparer<Key>.Create(key.CompareNearness))];

    public DhtClusterNode RootOf(Key key) =>
        Alive.Aggregate((a, b) => key.CompareNearness(a.Id, b.Id) < 0 ? a : b);

    /// <summary>Number of living nodes that hold a version of a key.</summary>
    public int CopiesOf(Key key, RecordVersion version) =>
        Alive.Count(n => n.Disk.TryGetValue(key, out Record? record) && record.Header.Version == version);

    private OperationResult Wait(PendingOperation operation)
    {
        RunUntil(() => operation.Result is not null, 90);
        return operation.Result!;
    }

    internal void Send(
        DhtClusterNode from,
        Key destination,
        bool exact,
        byte[] payload,
        TimeSpan timeout,
        Action<KbrReply> end)
    {
        bool hasEnded = false;
        void Once(KbrReply reply)
        {
            if (!hasEnded)
            {
                hasEnded = true;
                end(reply);
            }
        }

        At(timeout, () => Once(KbrReply.Failed(KbrStatus.Timeout)));
        At(Latency(), () =>
        {
            DhtClusterNode? to = exact
                ? _nodes.GetValueOrDefault(destination)
                : from.IsAlive ? Route(from, destination) : Alive.Any() ? RootOf(destination) : null;
            if (to is not { IsAlive: true } || (exact && _severed.Contains((from.Id, to.Id))))
            {
                Once(KbrReply.Failed(exact ? KbrStatus.NoSuchNode : KbrStatus.Unreachable));
            }
            else if (!_cut.Contains((from.Id, to.Id)))
            {
                void Reply(byte[] reply)
                {
                    if (!_cut.Contains((to.Id, from.Id)))
                    {
                        At(Latency(), () => Once(new KbrReply(KbrStatus.Ok, to.Id, reply)));
                    }
                }

                to.Deliver(destination, from.Id, payload, Reply, isProven: exact);
            }
        });
    }

    /// <summary>Where a message ends that goes ever nearer to a key.</summary>
    public DhtClusterNode Route(DhtClusterNode from, Key key)
    {
        DhtClusterNode at = from;
        for (DhtClusterNode? next = at; next is not null;)
        {
            at = next;
            next = _severed.Count == 0 ? RootOf(key)
                : Alive.Where(n => n == at || !_severed.Contains((at.Id, n.Id)))
                    .Aggregate((a, b) => key.CompareNearness(a.Id, b.Id) < 0 ? a : b);
            next = next == at ? null : next;
        }

        return at;
    }

    private void Announce()
    {
        foreach (DhtClusterNode node in Alive)
        {
            At(TimeSpan.FromMilliseconds(_random.Next(1, 60)), node.Look);
        }
    }

    internal DepartureReason ReasonOf(Key gone, Key to) => _nodes[gone] switch
    {
        { IsAlive: true } when _severed.Contains((to, gone)) => DepartureReason.Failed,
        { IsAlive: true } => DepartureReason.Displaced,
        { HasLeft: true } => DepartureReason.Left,
        _ => DepartureReason.Failed,
    };

    internal NeighbourSet NeighboursOf(Key self, long version)
    {
        Key[] others = [.. Alive.Select(n => n.Id)
            .Where(id => id != self && !_severed.Contains((self, id)))];
        return new NeighbourSet(
            self,
            isMember: true,
            [.. others.OrderBy(id => id - self).Take(8)],
            [.. others.OrderBy(id => self - id).Take(8)],
            version);
    }
}
