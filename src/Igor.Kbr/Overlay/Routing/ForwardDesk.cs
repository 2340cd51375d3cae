using Igor.Kbr.Overlay.Peers;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Messages that pass through and wait for the word of an application that asked to see them. Bounded in
/// number and time: beyond either they go on as they are.
/// </summary>
internal sealed class ForwardDesk(NodeContext context)
{
    private const int ParkedMax = 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Dictionary<long, Parked> _parked = [];
    private long _nextId;

    private sealed record Parked(
        ServiceRing Ring, RouteHeader Header, byte[] Payload, Link? From, OwnRequest? Own, Key NextHop);

    /// <summary>Set by the node.</summary>
    public Router Router { get; set; } = null!;

    public bool TryPark(
        TimeSpan now,
        ServiceRing ring,
        in RouteHeader header,
        ReadOnlyMemory<byte> payload,
        Link from,
        Key nextHop) =>
        TryPark(now, new Parked(ring, header, payload.ToArray(), from, null, nextHop));

    public bool TryParkOwn(
        TimeSpan now, ServiceRing ring, in RouteHeader header, OwnRequest own, Key nextHop) =>
        TryPark(now, new Parked(ring, header, own.Payload.ToArray(), null, own, nextHop));

    public void Resume(TimeSpan now, long id, ForwardDecision decision)
    {
        if (!_parked.Remove(id, out Parked? message))
        {
            return;
        }

        byte[] payload = decision.Replacement ?? message.Payload;
        if (!decision.Goes)
        {
            Stop(now, message);
        }
        else if (message.Own is { } own)
        {
            if (!own.IsDone)
            {
                own.Release();
                own.Keep(payload);
                SendOwn(now, message, own);
            }
        }
        else
        {
            SendTransit(now, message, payload);
        }
    }

    private bool TryPark(TimeSpan now, Parked message)
    {
        if (_parked.Count >= ParkedMax)
        {
            return false;
        }

        long id = ++_nextId;
        _parked.Add(id, message);
        context.Timers.Schedule(now + Patience, later => Resume(later, id, ForwardDecision.Continue));
        context.Output.Forward(
            message.Ring.Id,
            id,
            new KbrForward(
                message.Header.Destination, message.Header.Source, message.NextHop, message.Payload));
        return true;
    }

    private void Stop(TimeSpan now, Parked message)
    {
        if (message.Own is { } own)
        {
            Router.Origin.End(now, own, KbrStatus.Stopped, default, default);
        }
        else if (message.From is not null)
        {
            Router.Refuse(message.From, message.Header.HopId, ReplyStatus.Stopped);
        }
    }

    private void SendOwn(TimeSpan now, Parked message, OwnRequest own)
    {
        if (context.Peers.TryGet(message.NextHop, out Peer? next))
        {
            Router.Origin.Send(now, own, message.Header, next);
        }
        else
        {
            Router.Origin.HandleHopFailed(now, own, message.NextHop);
        }
    }

    private void SendTransit(TimeSpan now, Parked message, byte[] payload)
    {
        if (!context.Peers.TryGet(message.NextHop, out Peer? next))
        {
            Router.Refuse(message.From!, message.Header.HopId, ReplyStatus.HopFailed);
            return;
        }

        Span<byte> frame =
            new byte[RoutedFrame.RouteHeaderBytes + RoutedFrame.PayloadPrefixBytes + payload.Length];
        RoutedFrame.WriteRoute(frame, message.Header, payload.Length);
        payload.CopyTo(frame[(RoutedFrame.RouteHeaderBytes + RoutedFrame.PayloadPrefixBytes)..]);
        Router.Forward(now, message.From!, next, message.Header, frame);
    }
}
