using System.Buffers;
using System.Collections.Immutable;
using Igor.Kbr;
using Igor.Kbr.Hosting;
using Igor.Kbr.Overlay.Machines;
using Igor.Node.Reporting;

namespace Igor.Node.Hosting;

/// <content>What the overlay node and its applications do to the world.</content>
internal sealed partial class OverlayHost : IOverlayOutput, IApplicationHost<NodeService>
{
    private readonly ArrayBufferWriter<byte> _scratch = new(2048);

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
    void IOverlayOutput.Dial(DialId dial, Key? expected, ImmutableArray<string> addresses) =>
        Transport.Dial(dial, expected, addresses);

    /// <inheritdoc/>
    bool IOverlayOutput.Send(LinkId link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload) =>
        Transport.Send(link, header, payload);

    /// <inheritdoc/>
    void IOverlayOutput.Close(LinkId link) => Transport.Close(link);

    /// <inheritdoc/>
    void IOverlayOutput.SetStanding(LinkId link, PeerStanding standing) =>
        Transport.SetStanding(link, standing);

    /// <inheritdoc/>
    void IOverlayOutput.Deliver(ServiceId service, in KbrDelivery delivery) =>
        Applications.Deliver(service, delivery);

    /// <inheritdoc/>
    void IOverlayOutput.Forward(ServiceId service, long parked, in KbrForward message)
    {
        WorkSource? askedBy = _askedBy ?? Applications.MemberOf(service)?.Work;
        Applications.Forward(service, message, decision => PostDecision(askedBy, parked, decision));
    }

    /// <inheritdoc/>
    void IOverlayOutput.CompleteRequest(RequestId request, in KbrReply reply) =>
        Applications.Complete(request, reply);

    /// <inheritdoc/>
    void IOverlayOutput.UpdateNeighbours(ServiceId service, NeighbourChange change) =>
        Applications.Update(service, change);

    /// <inheritdoc/>
    void IApplicationHost<NodeService>.NoteFailure(NodeService service, string upcall, Exception problem) =>
        NodeLog.ApplicationThrew(_log, service.Name, upcall, problem);

    /// <inheritdoc/>
    void IApplicationHost<NodeService>.NoteRequestEnded(
        NodeService service, KbrStatus status, int heldBytes)
    {
        service.Account.Return(heldBytes);
        Counters.CountRequest(status);
    }

    /// <inheritdoc/>
    ArrayBufferWriter<byte> IOverlayOutput.Scratch => _scratch;

    bool IOverlayOutput.WantsEvents => true;

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
