using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using Igor.Dht.Protocol.Hosting;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Node.Memory;
using Igor.Node.Scheduling;
using Microsoft.Extensions.Logging;

namespace Igor.Dht;

/// <summary>
/// Drives a <see cref="DhtNode"/> on a strand of its own: upcalls, commands and completions of the store go
/// in from whatever thread they come on, and what the node does goes out to the service and the store.
/// </summary>
internal sealed partial class DhtHost : IKbrApplication, IThreadPoolWorkItem, IDisposable
{
    private readonly ConcurrentQueue<(long Token, StoreOutcome Outcome)> _written = new();
    private readonly Dictionary<long, OpenCommand> _commands = [];
    private readonly TimeProvider _clock = TimeProvider.System;
    private readonly Func<NetworkTime> _time;
    private readonly long _started;
    private readonly IRecordStore? _store;
    private readonly ByteBudget _bytes;
    private readonly Key _self;
    private readonly ILogger _log;
    private readonly Strand _strand;
    private readonly DeadlineTimer _timer;
    private readonly DhtNode _node;
    private List<Upcall>? _early = [];
    private IKbrService? _service;
    private long _lastCommand;
    private int _isTakingWritten;
    private bool _isClosed;

    /// <summary>Makes a host; <see cref="StartAsync"/> starts its node.</summary>
    /// <param name="self">The id of the node that it is attached to.</param>
    /// <param name="options">Settings of the protocol.</param>
    /// <param name="store">Where records are kept; null for a client.</param>
    /// <param name="bytes">What may be held for others: the node's, when it is in this process.</param>
    /// <param name="time">What time it is; called on any thread.</param>
    /// <param name="log">Where to report.</param>
    public DhtHost(
        Key self,
        DhtNodeOptions options,
        IRecordStore? store,
        ByteBudget bytes,
        Func<NetworkTime> time,
        ILogger log)
    {
        _bytes = bytes;
        _self = self;
        _bytes.OpenOwn(self);
        _bytes.OpenOwn(Key.Zero); // whom a daemon's deliveries came through is not known here
        _time = time;
        _store = store;
        _log = log;
        _started = _clock.GetTimestamp();
        _strand = new Strand(problem => DhtLog.Bug(_log, problem)) { BatchEnded = EndBatch };
        _timer = new DeadlineTimer(_clock, () => _strand.Post(static host => ((DhtHost)host).Ring(), this));
        Span<byte> seed = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(seed);
        _node = new DhtNode(self, options, this, BinaryPrimitives.ReadUInt64LittleEndian(seed));
    }

    private DhtTime Now
    {
        get
        {
            NetworkTime time = _time();
            return new DhtTime(_clock.GetElapsedTime(_started), time.UnixMs, time.IsTrusted);
        }
    }

    /// <summary>Takes up what the store holds. Before the application is attached.</summary>
    public Task StartAsync() => _strand.InvokeAsync(() =>
    {
        _node.Start(Now, _store?.Headers(Arc.Whole) ?? [], note => _store?.ReadNote(note));
        return true;
    });

    /// <summary>The application is attached; upcalls that came before are handled now.</summary>
    public Task AttachAsync(IKbrService service) => _strand.InvokeAsync(() =>
    {
        List<Upcall> early = _early ?? [];
        _early = null;
        _service = service;
        NeighbourSet first = service.Neighbours;
        _node.HandleUpdate(Now, AsSeenHere(new NeighbourChange(first, [.. first.Others], [])));
        foreach (Upcall upcall in early)
        {
            if (upcall.Change is null || upcall.Change.Neighbours.Version > first.Version)
            {
                Run(upcall);
            }
        }

        return true;
    });

    /// <summary>How the node is.</summary>
    public Task<DhtNodeStatus> StatusAsync() => _strand.InvokeAsync(() => _node.Status);

    /// <summary>The store found a damaged record. On any thread.</summary>
    public void HandleDamage(Key key) => _strand.Post(
        static state =>
        {
            var (host, key) = ((DhtHost, Key))state;
            if (!host._isClosed)
            {
                host._node.HandleDamage(host.Now, key);
            }
        },
        (this, key));

    /// <summary>Ends all commands; nothing goes in or out afterwards.</summary>
    public Task CloseAsync() => _strand.InvokeAsync(() =>
    {
        if (!_isClosed)
        {
            _node.Close(Now);
            _isClosed = true;
        }

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
    /// Takes completions of the store over to the strand, away from the store's own thread.
    /// </summary>
    void IThreadPoolWorkItem.Execute() => _strand.Post(
        static state =>
        {
            var host = (DhtHost)state;

            // A full fence: else the queue may be seen empty by us and the flag still up by who adds to it.
            Interlocked.Exchange(ref host._isTakingWritten, 0);
            while (host._written.TryDequeue(out (long Token, StoreOutcome Outcome) end))
            {
                if (!host._isClosed)
                {
                    host._node.HandleWritten(host.Now, end.Token, end.Outcome);
                }
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
            service.Reply(token, DhtNode.Busy("as much waits for this node as may: ask again"));
        }
    }

    private void Run(Upcall upcall)
    {
        try
        {
            if (_isClosed)
            {
                return;
            }

            switch (upcall.Kind)
            {
                case UpcallKind.Delivery:
                    if (!TryTellStatus(upcall.Delivery))
                    {
                        _node.HandleDelivery(Now, upcall.Delivery);
                    }

                    break;
                case UpcallKind.Reply:
                    _node.HandleReply(Now, upcall.Token, upcall.Reply);
                    break;
                case UpcallKind.Read:
                    _node.HandleRead(Now, upcall.Token, upcall.Record);
                    break;
                default:
                    _node.HandleUpdate(Now, AsSeenHere(upcall.Change!));
                    break;
            }
        }
        finally
        {
            End(upcall);
        }
    }

    /// <summary>
    /// A client of a node that is a member is told the node's neighbours, but is no member itself.
    /// </summary>
    private NeighbourChange AsSeenHere(NeighbourChange change) => _store is null && change.Neighbours.IsMember
        ? change with
        {
            Neighbours = new NeighbourSet(
                change.Neighbours.Self,
                isMember: false,
                change.Neighbours.Clockwise,
                change.Neighbours.CounterClockwise,
                change.Neighbours.Version,
                change.Neighbours.IsAlone),
        }
        : change;

    private void Ring()
    {
        _timer.Clear();
        if (!_isClosed)
        {
            _node.HandleDeadline(Now);
        }
    }

    private void EndBatch()
    {
        if (!_isClosed && _node.NextDeadline is { } deadline)
        {
            _timer.Set(_clock.GetElapsedTime(_started), deadline);
        }
    }
}
