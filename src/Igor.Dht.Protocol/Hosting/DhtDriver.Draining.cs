using Igor.Dht.Protocol.Messages;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Hosting;

/// <content>A member that goes for good.</content>
public sealed partial class DhtDriver
{
    private DrainProgress _drained = new();

    /// <summary>How far a node is that goes for good (<see cref="Drain"/>).</summary>
    public DrainProgress Draining => _replica?.Draining.Progress ?? _drained;

    /// <summary>
    /// The node is to go for good: gives others all that it holds, has itself voted out, and serves
    /// meanwhile. See <see cref="Draining"/>; once it is drained, <see cref="Retire"/> is to follow at once.
    /// </summary>
    /// <param name="within">The time that it may take; then it stays.</param>
    public void Drain(TimeSpan within)
    {
        if (Begin())
        {
            _replica?.Draining.Begin(within);
            EndInput();
        }
    }

    /// <summary>
    /// The node, which is drained, keeps no records for others any more: it is to leave the service, and goes
    /// on as a client once it is attached as one.
    /// </summary>
    public void Retire()
    {
        if (Begin() && _replica is { } replica)
        {
            _drained = replica.Draining.Progress;
            replica.Close();
            _replica = null;
        }
    }

    /// <summary>
    /// Clients of a node have the member on it go for good; like the question how it is, it is nobody else's
    /// matter.
    /// </summary>
    private bool TryDrain(in KbrDelivery delivery)
    {
        if (!delivery.IsSourceProven || delivery.Source != _service!.NodeId
            || !DrainMessage.IsOne(delivery.Payload.Span)
            || !Decoding.TryRead(
                delivery.Payload, MessageKind.Drain, DrainMessage.Read, out DrainMessage message))
        {
            return false;
        }

        if (_replica is not null)
        {
            _replica.Draining.Handle(delivery.Token, message);
            EndInput();
        }
        else if (_drained.Stage == DrainStage.Drained)
        {
            // It was on its way to ask again when the last step was done.
            var answer = new PayloadBuffer();
            DrainMessage.Write(answer, message.Known + 1, _drained);
            _service.Reply(delivery.Token, answer.Written);
        }
        else
        {
            return false;
        }

        return true;
    }
}
