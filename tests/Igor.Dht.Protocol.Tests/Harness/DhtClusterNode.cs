using System.Collections.Immutable;
using Igor.Dht.Protocol.Hosting;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Harness;

/// <summary>A command under way.</summary>
internal sealed class PendingCommand
{
    public CommandResult? Result { get; set; }
}

/// <summary>One node of a <see cref="DhtCluster"/>, with a disk that survives its death.</summary>
internal sealed class DhtClusterNode(DhtCluster cluster, Key id, ulong seed) : IDhtOutput
{
    private readonly Dictionary<long, PendingCommand> _commands = [];
    private readonly Dictionary<long, Action<byte[]>> _deliveries = [];
    private NeighbourSet _neighbours = NeighbourSet.Alone(id, isMember: false);
    private int _life;
    private long _last;
    private TimeSpan? _wake;

    public Key Id => id;

    public DhtCluster Cluster => cluster;

    /// <summary>How wrong the clock of its host is.</summary>
    public long ClockOffsetMs { get; set; }

    /// <summary>Whether its time is borne out by others.</summary>
    public bool IsTimeTrusted { get; set; } = true;

    private DhtTime Time => cluster.Time with
    {
        UnixMs = Math.Max(0, cluster.Time.UnixMs + ClockOffsetMs),
        IsTrusted = IsTimeTrusted,
    };

    public bool IsAlive { get; set; }

    public DhtNode Dht { get; private set; } = null!;

    public Dictionary<Key, Record> Disk { get; } = [];

    public Dictionary<string, byte[]> Notes { get; } = [];

    /// <summary>What the disk answers to writes.</summary>
    public StoreOutcome WriteOutcome { get; set; } = StoreOutcome.Durable;

    /// <summary>Number of records read from the disk.</summary>
    public int Reads { get; private set; }

    /// <summary>Bytes that it holds for those who ask.</summary>
    public int HeldBytes { get; private set; }

    /// <summary>Most of those.</summary>
    public int HeldBytesMax { get; set; } = int.MaxValue;

    /// <summary>Number of requests sent.</summary>
    public int Requests { get; private set; }

    /// <summary>
    /// When it lies: what it answers to a request, a second later; null for what it would answer anyway.
    /// </summary>
    public Func<byte[], byte[]?>? Forge { get; set; }

    public void Start()
    {
        IsAlive = true;
        _life++;
        _commands.Clear();
        _deliveries.Clear();
        _wake = null;
        _neighbours = NeighbourSet.Alone(id, isMember: false);
        Dht = new DhtNode(id, cluster.Options, this, seed + (ulong)_life);
        Dht.Start(Time, Disk.Values.Select(r => r.Header), note => Notes.GetValueOrDefault(note));
        Schedule();
    }

    public PendingCommand Put(DhtPut put) => Command(command => Dht.Put(Time, command, put));

    /// <summary>Nobody waits for a command any more.</summary>
    public void Abandon(PendingCommand pending)
    {
        long command = _commands.Single(c => c.Value == pending).Key;
        Dht.Abandon(Time, command);
    }

    public PendingCommand Get(DhtGet get) => Command(command => Dht.Get(Time, command, get));

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
        Dht.HandleDelivery(Time, delivery);
        Schedule();
    }

    /// <summary>Loses a record, and notices.</summary>
    public void Damage(Key key)
    {
        Disk.Remove(key);
        Dht.HandleDamage(Time, key);
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
                cluster.Alive.Any(n => n.Id == gone) ? DepartureReason.Displaced : DepartureReason.Failed))]);
        Dht.HandleUpdate(Time, change);
        Schedule();
    }

    public void Request(
        long token, Key destination, bool exact, ReadOnlyMemory<byte> payload, TimeSpan timeout)
    {
        Requests++;
        int life = _life;
        cluster.Send(this, destination, exact, payload.ToArray(), timeout, reply => Alive(life, () =>
            Dht.HandleReply(Time, token, reply)));
    }

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

    public void Write(long token, Record record) => Replace(token, record, RecordVersion.None);

    public void Replace(long token, Record record, RecordVersion replaced)
    {
        int life = _life;
        cluster.At(cluster.Latency(), () => Alive(life, () =>
        {
            StoreOutcome outcome = WriteOutcome;
            if (outcome == StoreOutcome.Durable)
            {
                bool isNewer = !Disk.TryGetValue(record.Header.Key, out Record? held)
                    || held.Header.Version < record.Header.Version
                    || held.Header.Version == replaced;
                outcome = isNewer ? StoreOutcome.Durable : StoreOutcome.Superseded;
                if (isNewer)
                {
                    Disk[record.Header.Key] = record;
                }
            }

            Dht.HandleWritten(Time, token, outcome);
        }));
    }

    public void Read(long token, Key key)
    {
        Reads++;
        int life = _life;
        cluster.At(TimeSpan.Zero, () => Alive(life, () =>
            Dht.HandleRead(Time, token, Disk.GetValueOrDefault(key))));
    }

    public void Remove(Key key, RecordVersion version)
    {
        if (Disk.TryGetValue(key, out Record? held) && held.Header.Version <= version)
        {
            Disk.Remove(key);
        }
    }

    public void Complete(long command, CommandResult result)
    {
        Assert.True(_commands.Remove(command, out PendingCommand? pending), "completed twice");
        pending.Result = result;
    }

    public void Remember(string note, byte[] content) => Notes[note] = content;

    private PendingCommand Command(Action<long> start)
    {
        var pending = new PendingCommand();
        long command = ++_last;
        _commands.Add(command, pending);
        start(command);
        Schedule();
        return pending;
    }

    private void Alive(int life, Action action)
    {
        if (IsAlive && life == _life)
        {
            action();
            Schedule();
        }
    }

    private void Schedule()
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
                Dht.HandleDeadline(Time);
                Schedule();
            }
        });
    }
}
