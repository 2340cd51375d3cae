using System.Diagnostics.Metrics;
using Igor.Kbr;
using Igor.Node.Hosting;
using Igor.Node.Memory;
using Igor.Node.Reporting;
using Igor.Node.Transport.Admission;

namespace Igor.Node;

/// <summary>A node's figures for OpenTelemetry; they cost nothing until somebody listens.</summary>
internal sealed class NodeMetrics : IDisposable
{
    /// <summary>The name to subscribe to.</summary>
    public const string MeterName = "Igor.Node";

    private static readonly KeyValuePair<string, object?> Receive = new("network.io.direction", "receive");
    private static readonly KeyValuePair<string, object?> Transmit = new("network.io.direction", "transmit");

    private readonly Meter _meter;

    /// <summary>Publishes the figures of one node.</summary>
    public NodeMetrics(Key node, OverlayHost host)
    {
        NodeCounters counters = host.Counters;
        InboundCounters inbound = host.Transport.Inbound;
        ByteBudget bytes = host.Bytes;
        _meter = new Meter(new MeterOptions(MeterName) { Tags = [new("igor.node.id", node.ToString())] });
        _meter.CreateObservableUpDownCounter(
            "igor.node.connections",
            () => host.Transport.Connections,
            "{connection}",
            "Connections to peers, handshakes included.");
        _meter.CreateObservableUpDownCounter(
            "igor.node.links",
            () => host.Figures.Links,
            "{link}",
            "Peers that the node is connected to.");
        _meter.CreateObservableUpDownCounter(
            "igor.node.links.max",
            () => host.Figures.LinksMax,
            "{link}",
            "The most peers that the node connects to; from three quarters of it on it is busy.");
        _meter.CreateObservableGauge(
            "igor.node.ring.size",
            () => host.Figures.RingSize,
            "{node}",
            "Nodes in the ring, estimated from how densely the node's neighbours lie.");
        _meter.CreateObservableGauge(
            "igor.node.upkeep",
            () => host.Figures.UpkeepBytesPerSecond,
            "By/s",
            "Bytes a second that the node sends to keep its rings up, on average of the last minute.");
        _meter.CreateObservableCounter(
            "igor.node.frames",
            () => Directions(counters.FramesReceived, counters.FramesSent),
            "{frame}",
            "Frames exchanged with peers.");
        _meter.CreateObservableCounter(
            "igor.node.io",
            () => Directions(counters.BytesReceived, counters.BytesSent),
            "By",
            "Bytes of frames exchanged with peers, without TLS.");
        _meter.CreateObservableCounter(
            "igor.node.requests",
            () => Requests(counters),
            "{request}",
            "Requests of local applications, by how they ended.");
        _meter.CreateObservableCounter(
            "igor.node.connections.refused",
            () => Refusals(inbound),
            "{connection}",
            "Connections from outside that were refused or gave way to others, by cause.");
        _meter.CreateObservableCounter(
            "igor.node.links.throttled",
            () => inbound.Throttled,
            "{pause}",
            "Times that a link was not read for a while, since its peer sent more than its share.");
        _meter.CreateObservableCounter(
            "igor.node.messages.ignored",
            () => host.MessagesIgnored,
            "{message}",
            "Messages of peers that were ignored: too many of a kind that costs much to handle.");
        _meter.CreateObservableUpDownCounter(
            "igor.node.queue.length",
            () => host.QueueLength,
            "{item}",
            "Pieces of work that wait for the node.");
        _meter.CreateObservableUpDownCounter(
            "igor.node.held",
            () => Holders(bytes.Held),
            "By",
            "Bytes that the node holds for others, by for whom.");
        _meter.CreateObservableCounter(
            "igor.node.held.refused",
            () => Holders(bytes.Refused),
            "{refusal}",
            "How often somebody was refused bytes because of a used up share, by who.");
        _meter.CreateObservableCounter(
            "igor.node.dials.refused",
            () => host.DialsRefused,
            "{address}",
            "Addresses that were not dialled because of which peer told of them, or how often.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<long>> Directions(long received, long sent) =>
        [new(received, Receive), new(sent, Transmit)];

    private static IEnumerable<Measurement<long>> Holders(Func<HolderKind, long> figure) =>
        Enum.GetValues<HolderKind>().Select(kind => new Measurement<long>(
            figure(kind), new KeyValuePair<string, object?>("igor.holder.kind", HolderName(kind))));

    private static string HolderName(HolderKind kind) => kind switch
    {
        HolderKind.Stranger => "stranger",
        HolderKind.Application => "application",
        _ => "member",
    };

    private static IEnumerable<Measurement<long>> Requests(NodeCounters counters) =>
        Enum.GetValues<KbrStatus>().Select(status => new Measurement<long>(
            counters.Requests(status),
            new KeyValuePair<string, object?>("igor.request.outcome", OutcomeName(status))));

    private static IEnumerable<Measurement<long>> Refusals(InboundCounters inbound) =>
        Enum.GetValues<InboundRefusal>().Select(why => new Measurement<long>(
            inbound.Refused(why), new KeyValuePair<string, object?>("igor.refusal.cause", CauseName(why))));

    private static string CauseName(InboundRefusal why) => why switch
    {
        InboundRefusal.Silent => "silent",
        InboundRefusal.Handshake => "handshake_failed",
        InboundRefusal.Unfinished => "handshake_unfinished",
        InboundRefusal.EvictedWaiting => "evicted_waiting",
        InboundRefusal.EvictedHandshake => "evicted_handshake",
        InboundRefusal.EvictedLink => "evicted_link",
        _ => "full",
    };

    private static string OutcomeName(KbrStatus status) => status switch
    {
        KbrStatus.Ok => "ok",
        KbrStatus.Timeout => "timeout",
        KbrStatus.Unreachable => "unreachable",
        KbrStatus.NoSuchNode => "no_such_node",
        KbrStatus.Overloaded => "overloaded",
        KbrStatus.Stopped => "stopped",
        KbrStatus.TooLarge => "too_large",
        KbrStatus.Failed => "failed",
        KbrStatus.Closed => "closed",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "It has no name."),
    };
}
