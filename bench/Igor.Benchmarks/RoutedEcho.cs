using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Node;

namespace Igor.Benchmarks;

/// <summary>
/// The same echo as a routed request: a client's node, one TLS hop, the root of the key answers.
/// </summary>
internal sealed class RoutedEcho : IRoundTrips
{
    private const string ServiceName = "bench";

    private static readonly Key Destination = Key.HashOf("any key");
    private static readonly RequestOptions Options = new(TimeSpan.FromSeconds(20));

    private readonly IgorNode _node;
    private readonly IKbrService _service;

    private RoutedEcho(IgorNode node, IKbrService service)
    {
        _node = node;
        _service = service;
    }

    /// <summary>Starts a client's node and waits until it knows the server.</summary>
    public static async Task<RoutedEcho> ConnectAsync(string server)
    {
        IgorNode node = await IgorNode.StartAsync(new IgorNodeOptions
        {
            Network = ServiceName,
            Bootstrap = [server],
            Overlay = new OverlayOptions { JoinsRing = false },
        }).ConfigureAwait(false);
        var subscription = new SubscribeOptions { Service = ServiceName };
        IKbrService service = await node.SubscribeAsync(subscription, new Answerer()).ConfigureAwait(false);
        KbrReply first = await service.RequestAsync(Destination, new byte[1], Options).ConfigureAwait(false);
        return first.Status == KbrStatus.Ok
            ? new RoutedEcho(node, service)
            : throw new InvalidOperationException($"The first request ended as {first.Status}.");
    }

    /// <summary>Serves clients until the standard input ends.</summary>
    /// <param name="listening">Told the address.</param>
    public static async Task ServeAsync(Action<string> listening)
    {
        await using IgorNode node = await IgorNode.StartAsync(
            new IgorNodeOptions { Network = ServiceName, Listen = "127.0.0.1:0" }).ConfigureAwait(false);
        var answerer = new Answerer();
        answerer.Service = await node.SubscribeAsync(
            new SubscribeOptions { Service = ServiceName, Role = ServiceRole.Member }, answerer)
            .ConfigureAwait(false);
        await node.Joined.ConfigureAwait(false);
        listening(node.Addresses[0]);
        await Console.In.ReadToEndAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Send(ReadOnlyMemory<byte> message, Action echoed) =>
        _service.Request(Destination, message, Options, reply =>
        {
            if (reply.Status != KbrStatus.Ok || reply.Payload.Length != message.Length)
            {
                throw new InvalidOperationException($"A request ended as {reply.Status}.");
            }

            echoed();
        });

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _node.DisposeAsync();

    private sealed class Answerer : IKbrApplication
    {
        public IKbrService? Service { get; set; }

        public void Deliver(in KbrDelivery delivery) => Service?.Reply(delivery.Token, delivery.Payload);

        public void Update(NeighbourChange change)
        {
        }
    }
}
