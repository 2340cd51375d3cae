using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Node.Applications;

namespace Igor.Node;

/// <content>What the overlay node does to the world.</content>
internal sealed partial class OverlayHost : IOverlayOutput
{
    private readonly TaskCompletionSource<RingStanding> _settled =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly TaskCompletionSource<string> _superseded =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when it is clear how the node stands to the ring.</summary>
    public Task<RingStanding> Settled => _settled.Task;

    /// <summary>
    /// Completes, with the cause for people, when another node with this one's identity was there first.
    /// </summary>
    public Task<string> Superseded => _superseded.Task;

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
        if (_services.MemberOf(service) is not { } member)
        {
            return; // it is detaching, and with it its deliveries
        }

        try
        {
            member.Application.Deliver(delivery with { Service = member });
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            NodeLog.ApplicationThrew(_log, member.Name, nameof(IKbrApplication.Deliver), problem);
            Fail(member, delivery.Token, KbrReply.ErrorOf(problem), isTemporary: false);
        }
    }

    /// <inheritdoc/>
    void IOverlayOutput.Forward(ServiceId service, long parked, in KbrForward message)
    {
        ForwardDecision decision = ForwardDecision.Continue;
        WorkSource? askedBy = _askedBy;
        if (_services.ForwarderOf(service) is { } forwarder)
        {
            askedBy ??= forwarder.Work;
            KbrForward shown = message with { Service = forwarder };
            try
            {
                if (forwarder.Application is IKbrDeferringApplication later)
                {
                    later.ForwardLater(shown, decided => PostDecision(askedBy, parked, decided));
                    return;
                }

                decision = forwarder.Application.Forward(shown);
            }
            catch (Exception problem) when (problem is not OutOfMemoryException)
            {
                NodeLog.ApplicationThrew(_log, forwarder.Name, nameof(IKbrApplication.Forward), problem);
            }
        }

        PostDecision(askedBy, parked, decision);
    }

    /// <inheritdoc/>
    void IOverlayOutput.CompleteRequest(RequestId request, in KbrReply reply)
    {
        if (_requests.Take(request) is { } open)
        {
            End(open.Service, open.Completed, reply);
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
                attached.Application.Update(change with { Service = attached });
            }
            catch (Exception problem) when (problem is not OutOfMemoryException)
            {
                NodeLog.ApplicationThrew(_log, attached.Name, nameof(IKbrApplication.Update), problem);
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
                ReportStanding();
                break;
            case OverlayEventKind.Alone:
            case OverlayEventKind.IdentityClash:
                ReportStanding();
                break;
            case OverlayEventKind.IdentityLost:
                _superseded.TrySetResult(overlayEvent.Text);
                break;
            case OverlayEventKind.PeersChanged:
                PeersChanged?.Invoke();
                break;
        }
    }

    // Once the node has handled what it is at: from here it must not be asked.
    private void ReportStanding() => _strand.Post(
        static state =>
        {
            var host = (OverlayHost)state;
            if (!host._closed && host.Overlay.Ring is { State: not RingState.Joining } standing)
            {
                host._settled.TrySetResult(standing);
                host.ReportTroubles();
            }
        },
        this);

    private void ReportTroubles()
    {
        if (!_closed)
        {
            _troubles.Report(Overlay.Troubles);
        }
    }

    // In the turn of whose message it is: a stranger's is not the node's own work, which goes before all.
    private void PostDecision(WorkSource? askedBy, long parked, ForwardDecision decision) => _strand.Post(
        askedBy,
        _ =>
        {
            if (!_closed)
            {
                Overlay.ResumeForward(Now, parked, decision);
            }
        },
        this);
}
