using System.Buffers;
using System.Collections.Immutable;
using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;

namespace Igor.Simulation.Network;

/// <summary>
/// The effects of a node: the network's at once, the applications' through the process's queue.
/// </summary>
internal sealed class ProcessOutput(NodeProcess process, Transport transport) : IOverlayOutput
{
    public void Dial(DialId dial, Key? expected, ImmutableArray<string> addresses) =>
        transport.Dial(process, dial, addresses);

    public bool Send(LinkId link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload) =>
        transport.Find(link) is { } end && transport.Send(end, header, payload);

    public void Close(LinkId link) => process.CloseLink(link);

    public void SetStanding(LinkId link, PeerStanding standing)
    {
        if (transport.Find(link) is { } end)
        {
            end.Standing = standing;
        }
    }

    public void Deliver(ServiceId service, in KbrDelivery delivery) =>
        process.Enqueue(new NodeWork
        {
            Kind = NodeWorkKind.Deliver,
            Service = service,
            Destination = delivery.Destination,
            Peer = delivery.Source,
            Number = delivery.Token.Value,
            IsSourceProven = delivery.IsSourceProven,
            RequestId = delivery.RequestId,
        }.With(delivery.Payload.Span, transport.Buffers));

    public void Forward(ServiceId service, long parked, in KbrForward message) =>
        process.Enqueue(new NodeWork
        {
            Kind = NodeWorkKind.Forward,
            Service = service,
            Destination = message.Destination,
            Peer = message.Source,
            NextHop = message.NextHop,
            Number = parked,
        }.With(message.Payload.Span, transport.Buffers));

    public void CompleteRequest(RequestId request, in KbrReply reply) =>
        process.Enqueue(new NodeWork
        {
            Kind = NodeWorkKind.Complete,
            Number = request.Value,
            Status = reply.Status,
            Peer = reply.Responder,
            Argument = reply.Error,
        }.With(reply.Payload.Span, transport.Buffers));

    public void UpdateNeighbours(ServiceId service, NeighbourChange change) =>
        process.Enqueue(new NodeWork { Kind = NodeWorkKind.Update, Service = service, Argument = change });

    public ArrayBufferWriter<byte> Scratch => transport.Scratch;

    public bool WantsEvents => process.Node.KeepsEvents;

    public void Raise(OverlayEvent overlayEvent) => process.Node.Note(overlayEvent);
}
