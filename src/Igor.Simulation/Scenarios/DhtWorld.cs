using Igor.Dht;
using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Simulation;

/// <summary>A network of DHT nodes that a scenario puts through its phases, with the ledger that judges it.</summary>
internal sealed class DhtWorld
{
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan CommandInterval = TimeSpan.FromMilliseconds(5);
    private readonly ScenarioRun _run;
    private readonly SimulatedNetwork _network;
    private readonly SimRandom _random;
    private readonly RecordLedger _ledger;
    private readonly Rings _rings;
    private readonly SimulatedStoreOptions _disk;
    private readonly int _replicas;
    private readonly Dictionary<SimulatedNode, SimulatedDht> _dhts = [];
    private readonly HashSet<Key> _excused = [];

    public DhtWorld(ScenarioRun run, SimulatedStoreOptions disk, int replicas)
    {
        _run = run;
        _network = run.Network;
        _random = run.Network.Engine.RandomFor("dht");
        _ledger = new RecordLedger(run.Network);
        _rings = Rings.Of(run.Network, SimulatedDht.Service);
        _disk = disk;
        _replicas = replicas;
    }

    public void Grow()
    {
        _run.Phase($"{_run.Nodes} nodes join");
        SimRandom seeds = _network.Engine.RandomFor("dht nodes");
        _network.Grow(_run.Nodes, node => _dhts[node] = SimulatedDht.Attach(node, seeds, disk: _disk));
        _run.Await(
            "every node runs", () => _network.RunningNodes.Count() == _run.Nodes, TimeSpan.FromHours(2));
        _run.Measure("ringWholeSeconds", _run.Await("one ring", _rings.Hold, TimeSpan.FromMinutes(5)).TotalSeconds);
    }

    public void Put(int count, int valueBytes)
    {
        _run.Phase($"putting {count} records");
        var latencies = new List<double>();
        int ended = 0;
        for (int i = 0; i < count; i++)
        {
            _network.Engine.After(CommandInterval * i, () => PutOne(valueBytes, latencies, () => ended++));
        }

        AwaitEnded(count, () => ended, "puts");
        _run.Measure("putSuccess", (double)_ledger.Promises.Count / count);
        _run.Measure("putMedianMs", LookupStatistics.Quantile(latencies, 0.5));
        _run.Measure("putP99Ms", LookupStatistics.Quantile(latencies, 0.99));
    }

    /// <summary>Reads every promised record from a random node.</summary>
    /// <param name="successName">Metric for the fraction that came back right.</param>
    /// <param name="latencyName">Metric for the time of a get.</param>
    /// <param name="isTolerant">Whether a get may fail (while nodes are being found dead); a wrong value never.</param>
    public void ReadAll(string successName, string latencyName, bool isTolerant = false)
    {
        _run.Phase($"reading {_ledger.Promises.Count} records");
        var latencies = new List<double>();
        int ended = 0;
        int right = 0;
        int index = 0;
        foreach (RecordLedger.Promise promise in _ledger.Promises)
        {
            _network.Engine.After(CommandInterval * index++, () => GetOne(promise, isTolerant, latencies, isRight =>
            {
                ended++;
                right += isRight ? 1 : 0;
            }));
        }

        AwaitEnded(index, () => ended, "gets");
        _run.Measure(successName, index == _excused.Count ? 1 : (double)right / (index - _excused.Count));
        _run.Measure(latencyName + "MedianMs", LookupStatistics.Quantile(latencies, 0.5));
        _run.Measure(latencyName + "P99Ms", LookupStatistics.Quantile(latencies, 0.99));
    }

    public void CrashAtOnce(double fraction, double silentFraction)
    {
        List<SimulatedNode> victims = _random.Sample(_network.RunningNodes, (int)(_run.Nodes * fraction));
        victims.ForEach(node => Kill(node, silentFraction));
        foreach (RecordLedger.Promise promise in _ledger.WithoutCopy())
        {
            _excused.Add(promise.Key);
        }

        _run.Phase($"{victims.Count} nodes crashed at once; {_excused.Count} records had all copies on them");
        _run.Measure("recordsWithAllCopiesCrashed", _excused.Count);
    }

    public void CrashOneByOne(double fraction, double silentFraction, TimeSpan interval)
    {
        int count = (int)(_run.Nodes * fraction);
        _run.Phase($"{count} nodes crash one by one");
        for (int i = 0; i < count; i++)
        {
            SimulatedNode victim = _random.Sample(_network.RunningNodes, 1)[0];
            foreach (RecordLedger.Promise promise in _ledger.OnlyOn(victim))
            {
                if (!_excused.Contains(promise.Key))
                {
                    _run.Violations.Add(
                        "durability", $"the last copy of record {promise.Key.ToShortString()} died with {victim}");
                }
            }

            Kill(victim, silentFraction);
            _network.RunFor(interval);
        }
    }

    /// <summary>Brings all dead back with their disks: nothing is excused any more.</summary>
    public void ReviveAll()
    {
        _run.Phase("the dead return with their disks");
        foreach (SimulatedNode node in _network.Nodes.Where(node => !node.IsRunning))
        {
            node.Bootstrap = _random.Sample(_network.RunningNodes, 3);
            node.Start();
            _network.RunFor(TimeSpan.FromMilliseconds(50));
        }

        _excused.Clear();
        _run.Await("one ring again", _rings.Hold, TimeSpan.FromMinutes(5));
    }

    /// <summary>Waits until every replica set holds its records; what is missing then is a violation.</summary>
    public void AwaitPlaces(string what, TimeSpan limit, string metric)
    {
        _run.Phase("waiting until " + what);
        _run.Await("the ring is whole", _rings.Hold, limit);
        _rings.Check(_run.Violations);
        TimeSpan took = _run.Await(
            what, () => _ledger.CountMisplaced(_excused) == 0, limit, TimeSpan.FromSeconds(2));
        _run.Measure(metric, took.TotalSeconds);
        _ledger.CheckNothingLost(_run.Violations, _excused);
        _ledger.CheckPlaces(_run.Violations, _excused);
    }

    private void Kill(SimulatedNode node, double silentFraction)
    {
        if (_random.NextDouble() < silentFraction)
        {
            node.PowerOff();
        }
        else
        {
            node.Crash();
        }
    }

    private SimulatedDht RandomDht()
    {
        IReadOnlyList<SimulatedNode> running = TrueRing.OfAll(_network).Members;
        return _dhts[running[_random.NextInt(running.Count)]];
    }

    private void PutOne(int valueBytes, List<double> latencies, Action ended)
    {
        byte[] value = new byte[valueBytes];
        _random.Fill(value);
        var key = new Key(
            _random.NextUInt64(), _random.NextUInt64(), _random.NextUInt64(), _random.NextUInt64());
        var put = new PutCommand
        {
            Key = key,
            Type = "value",
            Value = value,
            Replicas = _replicas,
            Timeout = CommandTimeout,
        };
        TimeSpan start = _network.Now;
        RandomDht().Put(put, result =>
        {
            ended();
            if (result.Receipt is { } receipt)
            {
                latencies.Add((_network.Now - start).TotalMilliseconds);
                _ledger.Add(new RecordLedger.Promise(key, receipt.Version, value, _replicas));
                CheckReceipt(receipt);
            }
            else
            {
                _run.Violations.Add(
                    "liveness", $"put {key.ToShortString()} failed: {result.Failure?.Error} {result.Failure?.Message}");
            }
        });
    }

    /// <summary>A receipt names nodes that hold the record durably: their disks must show it.</summary>
    private void CheckReceipt(PutReceipt receipt)
    {
        int wanted = (Math.Min(_replicas, _network.RunningNodes.Count()) / 2) + 1;
        if (receipt.Holders.Count < wanted)
        {
            _run.Violations.Add(
                "receipt", $"{receipt.Key.ToShortString()} acknowledged with {receipt.Holders.Count} holders");
        }

        foreach (SimulatedNode node in TrueRing.OfAll(_network).NearestTo(receipt.Key, 8))
        {
            if (receipt.Holders.Contains(node.NodeId) && SimulatedRecordStore.Find(node, receipt.Key) is null)
            {
                _run.Violations.Add("receipt", $"{receipt.Key.ToShortString()} is not on the disk of {node}");
            }
        }
    }

    private void GetOne(
        RecordLedger.Promise promise, bool isTolerant, List<double> latencies, Action<bool> ended)
    {
        TimeSpan start = _network.Now;
        var get = new GetCommand { Key = promise.Key, Timeout = CommandTimeout };
        RandomDht().Get(get, result =>
        {
            bool isFound = result.Got is { Outcome: GetOutcome.Found };
            bool isRight = isFound && result.Got!.Value.Span.SequenceEqual(promise.Value.Span);
            bool isExcused = _excused.Contains(promise.Key);
            ended(isRight && !isExcused);
            if (isRight)
            {
                latencies.Add((_network.Now - start).TotalMilliseconds);
            }
            else if (isFound || (!isTolerant && !isExcused))
            {
                _run.Violations.Add("reading", Describe(promise, result));
            }
        });
    }

    private static string Describe(RecordLedger.Promise promise, CommandResult result) =>
        result.Got is { } got
            ? $"record {promise.Key.ToShortString()}: {got.Outcome}, {got.ReplicasAnswered} of {got.ReplicasAsked} answered"
            : $"record {promise.Key.ToShortString()}: {result.Failure?.Error} {result.Failure?.Message}";

    private void AwaitEnded(int count, Func<int> ended, string what)
    {
        TimeSpan limit = (CommandInterval * count) + CommandTimeout + TimeSpan.FromSeconds(10);
        if (!_network.RunUntil(() => ended() == count, limit))
        {
            _run.Violations.Add("liveness", $"{count - ended()} of {count} {what} never ended");
        }
    }
}
