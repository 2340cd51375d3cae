using System.Collections.Immutable;
using Igor.Dht.Protocol.Hosting;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Harness;

/// <summary>An operation under way.</summary>
internal sealed class PendingOperation
{
    public OperationResult? Result { get; set; }
}

/// <summary>One node of a <see cref="DhtCluster"/>, with a disk that survives its death.</summary>
internal sealed class DhtClusterNode(DhtCluster cluster, Key id, ulong seed)
    : IDhtHost, IRecordStore, IKbrService
{
    /// <summary>Most deadlines at one moment.</summary>
    private const int WakesMax = 100;

    private readonly Dictionary<PendingOperation, long> _operations = [];
    private readonly Dictionary<long, Action<byte[]>> _deliveries = [];
    private RecordTable _index = new();
    private NeighbourSet _neighbours = NeighbourSet.Alone(id, isMember: false);
    private int _life;
    private long _last;
    private TimeSpan? _wake;
    private TimeSpan _wokenAt;
    private int _wakes;

    public Key Id => id;

    public DhtCluster Cluster => cluster;

    /// <summary>How wrong the clock of its host is.</summary>
    public long ClockOffsetMs { get; set; }

    /// <summary>Whether its time is borne out by others.</summary>
    public bool IsTimeTrusted { get; set; } = true;

    public DhtTime Now => cluster.Time with
    {
        UnixMs = Math.Max(0, cluster.Time.UnixMs + ClockOffsetMs),
        IsTrusted = IsTimeTrusted,
    };

    public bool IsAlive { get; set; }

    /// <summary>Whether it said good-bye when it ended last.</summary>
    public bool HasLeft { get; set; }

    public DhtDriver Dht { get; private set; } = null!;

    public Dictionary<Key, Record> Disk { get; } = [];

    public Dictionary<string, byte[]> Notes { get; } = [];

    /// <summary>What the voter's log holds.</summary>
    public VoterDisk Votes { get; } = new(seed | 1);

    /// <summary>Whether syncs of the voter's log are skipped.</summary>
    public bool SkipsVoterSyncs { get; set; }

    /// <summary>What the disk answers to writes.</summary>
    public StoreOutcome WriteOutcome { get; set; } = StoreOutcome.Durable;

    /// <summary>What a write takes beyond the usual.</summary>
    public TimeSpan WriteDelay { get; set; }

    /// <summary>Number of records read from the disk.</summary>
    public int Reads { get; private set; }

    /// <summary>Bytes that it holds for those who ask.</summary>
    public int HeldBytes { get; private set; }

    /// <summary>Most of those.</summary>
    public int HeldBytesMax { get; set; } = int.MaxValue;

    /// <summary>Whether its store has in memory what it holds.</summary>
    public bool ReadsAtOnce { get; set; }

    /// <summary>Number of requests sent.</summary>
    public int Requests { get; private set; }

    /// <summary>
    /// When it lies: what it answers to a request, a second later; null for what it would answer anyway.
    /// </summary>
    public Func<byte[], byte[]?>? Forge { get; set; }

    public void Start()
    {
        IsAlive = true;
        HasLeft = false;
        _life++;
        _operations.Clear();
        _deliveries.Clear();
        _wake = null;
        _neighbours = NeighbourSet.Alone(id, isMember: false);
        _index = new RecordTable();
        foreach (Record record in Disk.Values)
        {
            Take(record);
        }

        int life = _life;
        var log = new InMemoryVoterLog(
            Votes, end => cluster.At(cluster.Latency(), () => Alive(life, end)))
        {
            SkipsSync = SkipsVoterSyncs,
        };
        Dht = new DhtDriver(id, cluster.Options, this, this, seed + (ulong)_life, log);
        Dht.Start();
        Dht.Attach(this);
        Schedule();
    }

    public PendingOperation Put(DhtPut put, Action<OperationResult>? ended = null) =>
        Start(completed => Dht.Put(put, completed), ended);

    /// <summary>Nobody waits for an operation any more.</summary>
    public void Abandon(PendingOperation pending)
    {
        Dht.Abandon(_operations[pending]);
    }

    public PendingOperation Get(DhtGet get, Action<OperationResult>? ended = null) =>
        Start(completed => Dht.Get(get, completed), ended);

    public void Deliver(
        Key destination, Key source, byte[] payload, Action<byte[]> reply, bool isProven = true)
    {
        if (Forge?.Invoke(payload) is { } forged)
        {
            cluster.At(TimeSpan.FromSeconds(1), () => reply(forged));
            return;
        }

        long token = ++_last;
        _deliveries.Add(token, reply);
        var delivery = new KbrDelivery(destination, source, new DeliveryToken(token), payload)
        {
            IsSourceProven = isProven,
        };
        Dht.HandleDelivery(delivery, isOwned: true);
        Schedule();
    }

    /// <summary>Loses a record, and notices.</summary>
    public void Damage(Key key)
    {
        Disk.Remove(key);
        if (!_index.TryGet(key, out Holding lost))
        {
            lost = new Holding(key, RecordVersion.None, 0, 0, 5, false, "value");
        }

        _index.Remove(key);
        Dht.HandleDamage(lost);
        Schedule();
    }

    /// <summary>Sees who is alive now.</summary>
    public void Look()
    {
        if (!IsAlive)
        {
            return;
        }

        NeighbourSet before = _neighbours;
        _neighbours = cluster.NeighboursOf(id, before.Version + 1);
        var change = new NeighbourChange(
            _neighbours,
            [.. _neighbours.Others.Except(before.Others)],
            [.. before.Others.Except(_neighbours.Others).Select(gone => new Departure(
                gone,
                cluster.ReasonOf(gone, id)))]);
        Dht.HandleUpdate(change);
        Schedule();
    }

    public void Request(
        Key destination, ReadOnlyMemory<byte> payload, RequestOptions options, Action<KbrReply> completed)
    {
        Requests++;
        int life = _life;
        cluster.Send(
            this,
            destination,
            options.Exact,
            payload.ToArray(),
            options.Timeout,
            reply => Alive(life, () => completed(reply)));
    }

    public void TakeReply(long token, in KbrReply reply) => Dht.HandleReply(token, reply, isOwned: true);

    public void TakeWritten(long token, StoreOutcome outcome) => Dht.HandleWritten(token, outcome);

    public void TakeSynced(bool isDurable)
    {
        int life = _life;
        cluster.At(TimeSpan.Zero, () => Alive(life, () => Dht.HandleSynced(isDurable)));
    }

    public PendingOperation Call(DhtRegisterCall call) => Start(completed => Dht.Call(call, completed));

    public void TakeRead(long token, Record? record) => Dht.HandleRead(token, record);

    public bool TryHold(Key via, int bytes)
    {
        if (HeldBytes + bytes > HeldBytesMax)
        {
            return false;
        }

        HeldBytes += bytes;
        return true;
    }

    public void Release(Key via, int bytes) => HeldBytes -= bytes;

    public void Reply(DeliveryToken delivery, ReadOnlyMemory<byte> payload)
    {
        Assert.True(_deliveries.Remove(delivery.Value, out Action<byte[]>? reply), "answered twice");
        reply(payload.ToArray());
    }

    public void Write(Record record, Action<StoreOutcome> completed) =>
        Replace(record, RecordVersion.None, completed);

    public void Replace(Record record, RecordVersion held, Action<StoreOutcome> completed)
    {
        int life = _life;
        cluster.At(cluster.Latency() + WriteDelay, () => Alive(life, () =>
        {
            StoreOutcome outcome = WriteOutcome;
            if (outcome == StoreOutcome.Durable)
            {
                bool isNewer = !Disk.TryGetValue(record.Header.Key, out Record? old)
                    || old.Header.Version < record.Header.Version
                    || old.Header.Version == held;
                outcome = isNewer ? StoreOutcome.Durable : StoreOutcome.Superseded;
                if (isNewer)
                {
                    Disk[record.Header.Key] = record;
                    Take(record);
                }
            }

            completed(outcome);
        }));
    }

    public void Read(Key key, Action<Record?> completed)
    {
        Reads++;
        int life = _life;
        cluster.At(TimeSpan.Zero, () => Alive(life, () =>
        {
            Record? record = Disk.GetValueOrDefault(key);
            if (record is null)
            {
                NoticeLoss(key);
            }

            completed(record);
        }));
    }

    public bool TryReadAtOnce(Key key, out Record? record)
    {
        record = ReadsAtOnce ? Disk.GetValueOrDefault(key) : null;
        return record is not null;
    }

    public void Remove(Key key, RecordVersion version, Action<StoreOutcome> completed)
    {
        if (Disk.TryGetValue(key, out Record? held) && held.Header.Version <= version)
        {
            Disk.Remove(key);
            _index.Remove(key);
        }
    }

    public IEnumerable<RecordHeader> Headers(Arc arc) => Disk.Values.Select(record => record.Header);

    public byte[]? ReadNote(string name) => Notes.GetValueOrDefault(name);

    public void WriteNote(string name, byte[] content) => Notes[name] = content;

    StoreStatus IRecordStore.Status => new();

    IRecordIndex IRecordStore.Index => _index;

    string IKbrService.Name => "dht";

    ServiceId IKbrService.Id => ServiceId.FromName("dht");

    ServiceRole IKbrService.Role => ServiceRole.Member;

    Key IKbrService.NodeId => id;

    NeighbourSet IKbrService.Neighbours => _neighbours;

    KbrStatus IKbrService.Route(
        Key destination, ReadOnlyMemory<byte> payload, RouteOptions options) => KbrStatus.Unreachable;

    void IKbrService.Fail(DeliveryToken delivery, string error, bool isTemporary) =>
        Assert.Fail("the DHT answers itself");

    ValueTask IAsyncDisposable.DisposeAsync() => ValueTask.CompletedTask;

    private PendingOperation Start(
        Func<Action<OperationResult>, long> start, Action<OperationResult>? ended = null)
    {
        var pending = new PendingOperation();
        long number = start(result =>
        {
            Assert.Null(pending.Result);
            pending.Result = result;
            ended?.Invoke(result);
        });
        _operations.Add(pending, number);
        Schedule();
        return pending;
    }

    private void Take(Record record) =>
        _index.Put(_index.SlotOf(record.Header, record.Encoded.Length, record.Digest));

    /// <summary>What is in the index and not on the disk is damaged.</summary>
    private void NoticeLoss(Key key)
    {
        if (_index.TryGet(key, out Holding lost))
        {
            _index.Remove(key);
            Dht.HandleDamage(lost);
        }
    }

    private void Alive(int life, Action action)
    {
        if (IsAlive && life == _life)
        {
            action();
            Schedule();
        }
    }

    public void Schedule()
    {
        TimeSpan? next = Dht.NextDeadline;
        if (next is null || (_wake is { } wake && wake <= next))
        {
            return;
        }

        int life = _life;
        TimeSpan due = next.Value < cluster.Now ? cluster.Now : next.Value;
        _wake = due;
        cluster.At(due - cluster.Now, () =>
        {
            if (IsAlive && life == _life && _wake == due)
            {
                _wake = null;
                Dht.HandleDeadline();
                CountWakes();
                Schedule();
            }
        });
    }

    // A real host would spin.
    private void CountWakes()
    {
        _wakes = _wokenAt == cluster.Now ? _wakes + 1 : 0;
        _wokenAt = cluster.Now;
        Assert.True(_wakes < WakesMax, $"it leaves a deadline in the past (seed {cluster.Seed})");
    }
}
