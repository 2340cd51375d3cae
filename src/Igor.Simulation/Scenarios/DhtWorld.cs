using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Dht;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// A network of DHT nodes that a scenario puts through its phases, with the ledger that judges it.
/// </summary>
internal sealed class DhtWorld
{
    private static readonly TimeSpan OperationTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan OperationInterval = TimeSpan.FromMilliseconds(5);
    private readonly ScenarioRun _run;
    private readonly SimulatedNetwork _network;
    private readonly SimRandom _random;
    private readonly RecordLedger _ledger;
    private readonly Rings _rings;
    private readonly WrongClocks _clocks;
    private readonly DeathLog _deaths;
    private readonly SimulatedStoreOptions _disk;
    private readonly int _replicas;
    private readonly int _valueBytes;
    private readonly Dictionary<SimulatedNode, SimulatedDht> _dhts = [];
    private readonly HashSet<Key> _excused = [];
    private int _writesOpen;
    private int _writesFailed;
    private bool _isWriting;

    public DhtWorld(ScenarioRun run, SimulatedStoreOptions disk, int replicas, int valueBytes)
    {
        _run = run;
        _network = run.Network;
        _random = run.Network.Engine.RandomFor("dht");
        _ledger = new RecordLedger(run.Network);
        _rings = Rings.Of(run.Network, SimulatedDht.Service);
        _clocks = new WrongClocks(run.Network);
        _deaths = new DeathLog(run.Network);
        _disk = disk;
        _replicas = replicas;
        _valueBytes = valueBytes;
    }

    /// <summary>Clocks of some hosts are wrong, and jump, from now on.</summary>
    public void BeginClockJumps(double fraction, TimeSpan offMax) => _clocks.Begin(fraction, offMax);

    /// <summary>All clocks are right again.</summary>
    public void EndClockJumps() => _clocks.End();

    public void Grow()
    {
        _run.Phase($"{_run.Nodes} nodes join");
        SimRandom seeds = _network.Engine.RandomFor("dht nodes");
        _network.Grow(_run.Nodes, node =>
        {
            if (!_dhts.ContainsKey(node))
            {
                _clocks.Add(node);
            }

            _dhts[node] = SimulatedDht.Attach(node, seeds, disk: _disk);
        });
        _run.Await(
            "every node runs", () => _network.RunningNodes.Count() == _run.Nodes, TimeSpan.FromHours(2));
        TimeSpan whole = _rings.Await(_run, "one ring", TimeSpan.FromMinutes(5));
        _run.Measure("ringWholeSeconds", whole.TotalSeconds);
    }

    public void Put(int count)
    {
        _run.Phase($"putting {count} records");
        var latencies = new List<double>();
        int ended = 0;
        bool mayFail = _disk.FailureFraction > 0;
        for (int i = 0; i < count; i++)
        {
            _network.Engine.After(OperationInterval * i, () => PutOne(RandomKey(), failure =>
            {
                ended++;
                if (failure is not null && !mayFail)
                {
                    _run.Violations.Add("liveness", failure);
                }
            }, latencies));
        }

        AwaitEnded(count, () => ended, "puts");
        _run.Measure("putSuccess", (double)_ledger.Promises.Count / count);
        _run.Measure("putMedianMs", LookupStatistics.Quantile(latencies, 0.5));
        _run.Measure("putP99Ms", LookupStatistics.Quantile(latencies, 0.99));
    }

    /// <summary>
    /// Puts go on from now, new keys and old ones in turn. They may fail, as long as they say so.
    /// </summary>
    public void BeginWrites(double perSecond)
    {
        if (perSecond > 0)
        {
            _isWriting = true;
            WriteOn(TimeSpan.FromSeconds(1 / perSecond), isNew: true);
        }
    }

    /// <summary>Waits for the writes under way; the metric counts those that failed.</summary>
    public void EndWrites(string metric)
    {
        _isWriting = false;
        _run.Await("writes end", () => _writesOpen == 0, OperationTimeout * 2);
        _run.Measure(metric, _writesFailed);
        _writesFailed = 0;
    }

    /// <summary>Reads every promised record from a random node.</summary>
    /// <param name="successName">Metric for the fraction that came back right.</param>
    /// <param name="latencyName">Metric for the time of a get.</param>
    /// <param name="isTolerant">
    /// Whether a get may fail, or say that what it found may be old (while nodes are being found dead).
    /// </param>
    public void ReadAll(string successName, string latencyName, bool isTolerant = false)
    {
        _run.Phase($"reading {_ledger.Promises.Count} records");
        var latencies = new List<double>();
        int ended = 0;
        int right = 0;
        int index = 0;
        foreach (RecordLedger.Promise promise in _ledger.Promises.ToList())
        {
            _network.Engine.After(OperationInterval * index++, () => GetOne(
                promise,
                isTolerant,
                latencies,
                isRight =>
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
            IReadOnlyList<RecordLedger.Promise> last = _ledger.OnlyOn(victim);
            Kill(victim, silentFraction);
            foreach (RecordLedger.Promise promise in last.Where(p => !_excused.Contains(p.Key)))
            {
                if (_deaths.CameTooFastFor(promise))
                {
                    _excused.Add(promise.Key);
                }
                else
                {
                    _run.Violations.Add(
                        "durability",
                        $"the last copy of record {promise.Key.ToShortString()} died with {victim}");
                }
            }

            _network.RunFor(interval);
        }
    }

    /// <summary>The power fails: all die at the same instant, with puts under way.</summary>
    public void CutPower()
    {
        _run.Phase("the power fails");
        foreach (SimulatedNode node in _network.RunningNodes.ToList())
        {
            node.PowerOff();
        }

        _isWriting = false;
    }

    /// <summary>Brings all dead back with their disks: nothing is excused any more.</summary>
    /// <param name="interval">Mean time between two of them.</param>
    public void ReviveAll(TimeSpan interval)
    {
        _run.Phase("the dead return with their disks");
        foreach (SimulatedNode node in _network.Nodes.Where(node => !node.IsRunning).ToList())
        {
            node.Start();
            _network.RunFor(interval * _random.Exponential(1));
        }

        _excused.Clear();
        _rings.Await(_run, "one ring again", TimeSpan.FromMinutes(5));
    }

    /// <summary>
    /// Waits until every replica set holds its records; what is missing then is a violation.
    /// </summary>
    public void AwaitPlaces(string what, TimeSpan limit, string metric)
    {
        _run.Phase("waiting until " + what);
        _rings.Await(_run, "the ring is whole", limit);
        TimeSpan took = _run.Await(
            what, () => _ledger.CountMisplaced(_excused) == 0, limit, TimeSpan.FromSeconds(2));
        _run.Measure(metric, took.TotalSeconds);
        _ledger.CheckNothingLost(_run.Violations, _excused);
        _ledger.CheckPlaces(_run.Violations, _excused);
    }

    private void Kill(SimulatedNode node, double silentFraction)
    {
        _deaths.Note(node);
        if (_random.NextDouble() < silentFraction)
        {
            node.PowerOff();
        }
        else
        {
            node.Crash();
        }
    }

    private SimulatedNode RandomNode()
    {
        IReadOnlyList<SimulatedNode> running = TrueRing.Of(_network, ServiceId.Base).Members;
        return running[_random.NextInt(running.Count)];
    }

    private Key RandomKey() =>
        new(_random.NextUInt64(), _random.NextUInt64(), _random.NextUInt64(), _random.NextUInt64());

    private void WriteOn(TimeSpan interval, bool isNew)
    {
        if (!_isWriting)
        {
            return;
        }

        _writesOpen++;
        Key key = isNew
            ? RandomKey()
            : _ledger.Promises.ElementAt(_random.NextInt(_ledger.Promises.Count)).Key;
        PutOne(key, failure =>
        {
            _writesOpen--;
            _writesFailed += failure is null ? 0 : 1;
        });
        _network.Engine.After(interval, () => WriteOn(interval, !isNew));
    }

    private void PutOne(Key key, Action<string?> ended, List<double>? latencies = null)
    {
        byte[] value = new byte[_valueBytes];
        _random.Fill(value);
        SimulatedNode writer = RandomNode();
        var put = new DhtPut
        {
            Key = key,
            Type = "value",
            Value = value,
            Replicas = _replicas,
            Timeout = OperationTimeout,
        };
        TimeSpan start = _network.Now;
        bool hasEnded = false;
        _dhts[writer].Put(put, result =>
        {
            hasEnded = true;
            if (result.Receipt is { } receipt)
            {
                latencies?.Add((_network.Now - start).TotalMilliseconds);
                _ledger.Add(new RecordLedger.Promise(key, receipt.Version, value, _replicas));
                _excused.Remove(key);
                CheckReceipt(receipt);
            }

            ended(result.Failure is { } failure
                ? $"put {key.ToShortString()} failed: {failure.Error} {failure.Message}"
                : null);
        });
        WatchWriter(writer, () => hasEnded, () => ended("the writer died"));
    }

    /// <summary>An operation whose node dies never ends: it counts as failed then.</summary>
    private void WatchWriter(SimulatedNode writer, Func<bool> hasEnded, Action died)
    {
        SimulatedDht dht = _dhts[writer];
        _network.Engine.After(OperationTimeout + TimeSpan.FromSeconds(5), () =>
        {
            if (hasEnded())
            {
                return;
            }

            if (writer.IsRunning && _dhts[writer] == dht)
            {
                _run.Violations.Add("liveness", $"an operation of {writer} never ended");
            }

            died();
        });
    }

    /// <summary>A receipt names nodes that hold the record durably: their disks must show it.</summary>
    private void CheckReceipt(PutReceipt receipt)
    {
        int wanted = (Math.Min(_replicas, _network.RunningNodes.Count()) / 2) + 1;
        if (receipt.Holders.Count < wanted)
        {
            _run.Violations.Add(
                "receipt",
                $"{receipt.Key.ToShortString()} acknowledged with {receipt.Holders.Count} holders");
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
        promise = _ledger.Find(promise.Key)!;
        var get = new DhtGet
        {
            Key = promise.Key,
            Type = ValueRecordType.TypeName,
            Timeout = OperationTimeout,
        };
        _dhts[RandomNode()].Get(get, result =>
        {
            bool isFound = result.Got is { Outcome: GetOutcome.Found };
            bool isRight = isFound && IsNoOlder(result.Got!, promise);
            bool isExcused = _excused.Contains(promise.Key);
            ended(isRight && !isExcused);
            if (isRight)
            {
                latencies.Add((_network.Now - start).TotalMilliseconds);
            }
            else if (!isExcused && !(isTolerant && (!isFound || result.Got!.IsDegraded)))
            {
                _run.Violations.Add("reading", Describe(promise, result));
            }
        });
    }

    /// <summary>The promised value, or that of a later write, acknowledged or not.</summary>
    private static bool IsNoOlder(GetResult got, RecordLedger.Promise promise) =>
        got.Version > promise.Version
        || (got.Version == promise.Version && got.Value.Span.SequenceEqual(promise.Value.Span));

    private static string Describe(RecordLedger.Promise promise, OperationResult result) =>
        result.Got is { } got
            ? $"record {promise.Key.ToShortString()} {promise.Version}: {got.Outcome} {got.Version}, "
                + $"{got.ReplicasAnswered} of {got.ReplicasAsked} answered"
            : $"record {promise.Key.ToShortString()}: {result.Failure?.Error} {result.Failure?.Message}";

    private void AwaitEnded(int count, Func<int> ended, string what)
    {
        TimeSpan limit = (OperationInterval * count) + OperationTimeout + TimeSpan.FromSeconds(10);
        if (!_network.RunUntil(() => ended() == count, limit))
        {
            _run.Violations.Add("liveness", $"{count - ended()} of {count} {what} never ended");
        }
    }
}
