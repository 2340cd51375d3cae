using Igor.Kbr;

namespace Igor.Node;

/// <content>What the overlay node does to the world.</content>
internal sealed partial class OverlayHost : IOverlayOutput
{
    /// <inheritdoc/>
    void IOverlayOutput.Dial(DialId dial, string address) => Transport.Dial(dial, address);

    /// <inheritdoc/>
    bool IOverlayOutput.Send(LinkId link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload) =>
        Transport.Send(link, header, payload);

    /// <inheritdoc/>
    void IOverlayOutput.Close(LinkId link) => Transport.Close(link);

    /// <inheritdoc/>
    void IOverlayOutput.SetStanding(LinkId link, PeerStanding standing) =>
        Transport.SetStanding(link, standing);

    /// <inheritdoc/>
    void IOverlayOutput.Deliver(ServiceId service, in KbrDelivery delivery)
    {
        try
        {
            _services.MemberOf(service)?.Application.Deliver(delivery);
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            NodeLog.Bug(_log, problem);
        }
    }

    /// <inheritdoc/>
    void IOverlayOutput.Forward(ServiceId service, long parked, in KbrForward message)
    {
        ForwardDecision decision = ForwardDecision.Continue;
        try
        {
            switch (_services.ForwarderOf(service)?.Application)
            {
                case IKbrDeferringApplication later:
                    later.ForwardLater(message, decided => PostDecision(parked, decided));
                    return;
                case { } now:
                    decision = now.Forward(message);
                    break;
            }
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            NodeLog.Bug(_log, problem);
        }

        PostDecision(parked, decision);
    }

    /// <inheritdoc/>
    void IOverlayOutput.CompleteRequest(RequestId request, in KbrReply reply)
    {
        if (_requests.Take(request) is { } completed)
        {
            End(completed, reply);
        }
    }

    /// <inheritdoc/>
    void IOverlayOutput.UpdateNeighbours(ServiceId service, NeighbourChange change)
    {
        foreach (LocalService attached in _services.Of(service))
        {
            attached.Neighbours = change.Neighbours;
            try
            {
                attached.Application.Update(change);
            }
            catch (Exception problem) when (problem is not OutOfMemoryException)
            {
                NodeLog.Bug(_log, problem);
            }
        }
    }

    /// <inheritdoc/>
    void IOverlayOutput.Raise(OverlayEvent overlayEvent)
    {
        OverlayEventLog.Write(_log, overlayEvent);
        switch (overlayEvent.Kind)
        {
            case OverlayEventKind.Joined:
            case OverlayEventKind.PeerConnected when !_joinsRing:
                _joined.TrySetResult();
                break;
            case OverlayEventKind.PeersChanged:
                PeersChanged?.Invoke();
                break;
        }
    }

    private void PostDecision(long parked, ForwardDecision decision) => _strand.Post(
        _ =>
        {
            if (!_closed)
            {
                Overlay.ResumeForward(Now, parked, decision);
            }
        },
        this);
}
