using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using Igor.Dht.Protocol.Hosting;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.OnDisk;
using Igor.Kbr;
using Igor.Node.Memory;
using Igor.Node.Scheduling;
using Microsoft.Extensions.Logging;

namespace Igor.Dht;

/// <summary>
/// Runs a <see cref="DhtDriver"/> on a strand of its own: upcalls, operations and what ended in the store go
/// in from whatever thread they come on.
/// </summary>
internal sealed partial class DhtHost : IKbrApplication, IThreadPoolWorkItem, IDisposable
{
    private readonly ConcurrentQueue<(long Token, StoreOutcome Outcome)> _written = new();
    private readonly Func<NetworkTime> _time;
    private readonly TimeSpan _started;
    private readonly ByteBudget _bytes;
    private readonly Key _self;
    private readonly int _valueBytesMax;
    private readonly ILogger _log;
    private readonly LiteDbRecordStore? _disk;
    private readonly Strand _strand;
    private readonly DeadlineTimer _timer;
    private readonly DhtDriver _driver;
    private List<Upcall>? _early = [];
    private IKbrService? _service;
    private int _isTakingWritten;
    private TaskCompletionSource? _left;

    /// <summary>Makes a host; <see cref="StartAsync"/> starts its node.</summary>
    /// <param name="self">The id of the node that it is attached to.</param>
    /// <param name="options">Settings of the protocol.</param>
    /// <param name="store">Where records are kept; null for a client.</param>
    /// <param name="bytes">What may be held for others: the node's, when it is in this process.</param>
    /// <param name="time">What time it is; called on any thread.</param>
    /// <param name="log">Where to report.</param>
    /// <param name="voterLog">
    /// Where promises about registers are kept; null for one that takes no part in them.
    /// </param>
    /// <param name="votingTrouble">Why it takes none, if it should; told as a trouble.</param>
    public DhtHost(
        Key self,
        DhtNodeOptions options,
        IRecordStore? store,
        ByteBudget bytes,
        Func<NetworkTime> time,
        ILogger log,
        IVoterLog? voterLog = null,
        string? votingTrouble = null)
    {
        _bytes = bytes;
        _disk = store as LiteDbRecordStore;
        _self = self;
        _valueBytesMax = options.ValueBytesMax;
        _bytes.OpenOwn(self);
        _bytes.OpenOwn(Key.Zero); // whom a daemon's deliveries came through is not known here
        _time = time;
        _log = log;
        _started = BootClock.Now;
        _strand = new Strand(problem => DhtLog.Bug(_log, problem)) { BatchEnded = EndBatch };
        _timer = new DeadlineTimer(
            TimeProvider.System, () => _strand.Post(static host => ((DhtHost)host).Ring(), this));
        Span<byte> seed = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(seed);
        _driver = new DhtDriver(
            self, options, store, this, BinaryPrimitives.ReadUInt64LittleEndian(seed), voterLog)
        {
            VotingTrouble = votingTrouble,
        };
        if (_disk is not null)
        {
            _disk.Told = HandleTold;
        }
    }

    /// <summary>Takes up what the store holds. Before the application is attached.</summary>
    public Task StartAsync() => _strand.InvokeAsync(() =>
    {
        _driver.Start();
        return true;
    });

    /// <summary>The application is attached; upcalls that came before are handled now.</summary>
    public Task AttachAsync(IKbrService service) => _strand.InvokeAsync(() =>
    {
        List<Upcall> early = _early ?? [];
        _early = null;
        _service = service;
        long known = _driver.Attach(service);
        foreach (Upcall upcall in early)
        {
            if (upcall.Change is null || upcall.Change.Neighbours.Version > known)
            {
                Run(upcall);
            }
        }

        return true;
    });

    /// <summary>How the node is.</summary>
    public Task<DhtNodeStatus> StatusAsync() => _strand.InvokeAsync(() => _driver.Status);

    /// <summary>The store found a damaged record. On any thread.</summary>
    public void HandleDamage(Holding lost) => _strand.Post(
        static state =>
        {
            var (host, lost) = ((DhtHost, Holding))state;
            host._driver.HandleDamage(lost);
        },
        (this, lost));

    /// <summary>
    /// Gives other members what they lack of what this one holds, and serves meanwhile: so that nothing hangs
    /// on it any more when it is closed. At once where there is nobody.
    /// </summary>
    /// <param name="atMost">When it is given up.</param>
    public async Task LeaveAsync(TimeSpan atMost)
    {
        Task left = await _strand.InvokeAsync(() =>
        {
            _left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _driver.BeginLeaving();
            return _left.Task;
        }).ConfigureAwait(false);
        try
        {
            await left.WaitAsync(atMost).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            DhtLog.LeftUnfinished(_log, atMost.TotalSeconds);
        }
    }

    /// <summary>Ends all operations; nothing goes in or out afterwards.</summary>
    public Task CloseAsync() => _strand.InvokeAsync(() =>
    {
        _driver.Close();
        return true;
    });

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    /// <inheritdoc/>
    public void Deliver(in KbrDelivery delivery)
    {
        int bytes = delivery.Payload.Length + Upcall.OverheadBytes;
        if (!_bytes.TryTake(delivery.Via, bytes))
        {
            TellBusy(delivery.Token);
            return;
        }

        Upcall upcall = Upcall.Of(this, delivery);
        if (!_strand.TryPost(RunUpcall, upcall))
        {
            DhtLog.Dropped(_log);
            End(upcall);
            TellBusy(delivery.Token);
        }
    }

    /// <inheritdoc/>
    public void Update(NeighbourChange change) => _strand.Post(RunUpcall, Upcall.Of(this, change));

    /// <summary>
    /// Takes completions of the store over to the strand: on the store's own thread, unless that has more to
    /// write.
    /// </summary>
    private void HandleTold(bool isIdle)
    {
        if (_written.IsEmpty)
        {
            return;
        }

        if (isIdle)
        {
            TakeWritten();
        }
        else
        {
            TakeWrittenElsewhere();
        }
    }

    private void TakeWrittenElsewhere()
    {
        if (Interlocked.Exchange(ref _isTakingWritten, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <inheritdoc/>
    void IThreadPoolWorkItem.Execute() => TakeWritten();

    private void TakeWritten() => _strand.Post(
        static state =>
        {
            var host = (DhtHost)state;

            // A full fence: else the queue may be seen empty by us and the flag still up by who adds to it.
            Interlocked.Exchange(ref host._isTakingWritten, 0);
            while (host._written.TryDequeue(out (long Token, StoreOutcome Outcome) end))
            {
                host._driver.HandleWritten(end.Token, end.Outcome);
            }
        },
        this);

    private static void RunUpcall(object state)
    {
        var upcall = (Upcall)state;
        DhtHost host = upcall.Host;
        if (host._early is { } early)
        {
            early.Add(upcall);
        }
        else
        {
            host.Run(upcall);
        }
    }

    /// <summary>Ends an upcall, and gives back what was taken for it.</summary>
    private void End(Upcall upcall)
    {
        switch (upcall.Kind)
        {
            case UpcallKind.Delivery:
                _bytes.Return(upcall.Delivery.Via, upcall.Delivery.Payload.Length + Upcall.OverheadBytes);
                break;
            case UpcallKind.Reply when upcall.Reply.Payload.Length > Upcall.SmallBytes:
                _bytes.Return(_self, upcall.Reply.Payload.Length);
                break;
        }

        upcall.Return();
    }

    /// <summary>Answers for the node, which has too much to do: on the thread of the upcall.</summary>
    private void TellBusy(DeliveryToken token)
    {
        if (token.ExpectsReply && Volatile.Read(ref _service) is { } service)
        {
            service.Reply(token, DhtDriver.Busy("as much waits for this node as may: ask again"));
        }
    }

    private void Run(Upcall upcall)
    {
        try
        {
            switch (upcall.Kind)
            {
                case UpcallKind.Delivery:
                    _driver.HandleDelivery(upcall.Delivery, upcall.IsOwned);
                    break;
                case UpcallKind.Reply:
                    _driver.HandleReply(upcall.Token, upcall.Reply, upcall.IsOwned);
                    break;
                case UpcallKind.Read:
                    _driver.HandleRead(upcall.Token, upcall.Record);
                    break;
                default:
                    _driver.HandleUpdate(upcall.Change!);
                    break;
            }
        }
        finally
        {
            End(upcall);
        }
    }

    private void Ring()
    {
        _timer.Clear();
        _driver.HandleDeadline();
    }

    private void EndBatch()
    {
        RetireWhenDrained();
        if (_left is not null && _driver.IsReadyToLeave)
        {
            _left.TrySetResult();
        }

        if (_driver.NextDeadline is { } deadline)
        {
            _timer.Set(BootClock.Now - _started, deadline);
        }
    }
}
