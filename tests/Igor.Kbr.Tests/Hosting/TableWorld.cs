using System.Buffers;
using System.Collections.Immutable;
using Igor.Kbr.Hosting;
using Igor.Kbr.Overlay;
using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Tests.Hosting;

/// <summary>
/// A host without a network: a node that is alone, its table, and a queue of what handles are asked for.
/// </summary>
internal sealed class TableWorld : IOverlayOutput, IApplicationHost<TableWorld.Handle>
{
    private readonly Queue<Action> _calls = new();

    public TableWorld()
    {
        Overlay = new OverlayNode(Key.Zero, new OverlayOptions(), this, 1);
        Table = new ApplicationTable<Handle>(Overlay, this);
        Overlay.Start(Now);
    }

    public OverlayNode Overlay { get; }

    public ApplicationTable<Handle> Table { get; }

    public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(1);

    /// <summary>Calls as they came: failures, ends of requests.</summary>
    public List<string> Log { get; } = [];

    public Handle Attach(
        string service, ServiceRole role, Application? application = null, bool forwards = false)
    {
        var options = new SubscribeOptions { Service = service, Role = role, WantsForward = forwards };
        var handle = new Handle(this, options, application ?? new Application());
        Table.Attach(handle);
        Table.Start(Now, handle);
        Run();
        return handle;
    }

    public void Detach(Handle handle)
    {
        if (Table.Detach(handle))
        {
            Table.Stop(Now, handle);
        }
    }

    /// <summary>Asks; what the end was goes to the log.</summary>
    public void Request(Handle from, Key destination, string name, int heldBytes = 0) => Table.Request(
        Now,
        from,
        destination,
        new byte[] { 1 },
        new RequestOptions(TimeSpan.FromSeconds(5)),
        reply => Log.Add($"{name} {reply.Status} {reply.Error}".TrimEnd()),
        heldBytes);

    /// <summary>Does what was queued, and lets a second pass.</summary>
    public void Run()
    {
        TimeSpan end = Now + TimeSpan.FromSeconds(1);
        while (_calls.TryDequeue(out Action? call))
        {
            call();
        }

        while (Overlay.NextDeadline is { } deadline && deadline < end)
        {
            Now = deadline > Now ? deadline : Now + TimeSpan.FromTicks(1);
            Overlay.HandleDeadline(Now);
        }

        Now = end;
    }

    public void NoteFailure(Handle service, string upcall, Exception problem) =>
        Log.Add($"{service.Name} threw in {upcall}");

    public void NoteRequestEnded(Handle service, KbrStatus status, int heldBytes) =>
        Log.Add($"{service.Name} ended {status} {heldBytes}");

    public void Dial(DialId dial, Key? expected, ImmutableArray<string> addresses)
    {
    }

    public bool Send(LinkId link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload) => false;

    public void Close(LinkId link)
    {
    }

    public void SetStanding(LinkId link, PeerStanding standing)
    {
    }

    public void Deliver(ServiceId service, in KbrDelivery delivery) => Table.Deliver(service, delivery);

    public void Forward(ServiceId service, long parked, in KbrForward message) => Table.Forward(
        service, message, decision => _calls.Enqueue(() => Overlay.ResumeForward(Now, parked, decision)));

    public void CompleteRequest(RequestId request, in KbrReply reply) => Table.Complete(request, reply);

    public void UpdateNeighbours(ServiceId service, NeighbourChange change) => Table.Update(service, change);

    public ArrayBufferWriter<byte> Scratch { get; } = new();

    public bool WantsEvents => true;

    public void Raise(OverlayEvent overlayEvent)
    {
    }

    /// <summary>A handle that queues what it is asked for.</summary>
    internal sealed class Handle(TableWorld world, SubscribeOptions options, IKbrApplication application)
        : AttachedService(Key.Zero, options, application)
    {
        public override KbrStatus Route(
            Key destination, ReadOnlyMemory<byte> payload, RouteOptions options = default)
        {
            KbrStatus status = CheckRoute(payload.Length, 1);
            if (status == KbrStatus.Ok)
            {
                world.Overlay.Route(world.Now, Id, destination, payload, options);
            }

            return status;
        }

        public override void RequestPooled(
            Key destination,
            PooledPayload payload,
            RequestOptions options,
            Action<KbrReply> completed) => throw new NotSupportedException();

        public override void ReplyPooled(DeliveryToken delivery, PooledPayload payload) =>
            world._calls.Enqueue(() => world.Overlay.Reply(world.Now, delivery, default));

        public override void Fail(DeliveryToken delivery, string error, bool isTemporary = false) =>
            world._calls.Enqueue(() => world.Overlay.Fail(world.Now, delivery, error, isTemporary));

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>Does what the test says.</summary>
    internal sealed class Application : IKbrApplication
    {
        public Action<KbrDelivery> Delivers { get; set; } = _ => { };

        public Func<KbrForward, ForwardDecision> Forwards { get; set; } = _ => ForwardDecision.Continue;

        public Action<NeighbourChange> Updates { get; set; } = _ => { };

        public void Deliver(in KbrDelivery delivery) => Delivers(delivery);

        public ForwardDecision Forward(in KbrForward message) => Forwards(message);

        public void Update(NeighbourChange change) => Updates(change);
    }
}
