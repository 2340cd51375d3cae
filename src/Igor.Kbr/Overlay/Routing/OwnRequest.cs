using Igor.Kbr.Overlay.Addresses;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>How a request of this node ended.</summary>
internal readonly record struct RequestResult(KbrStatus Status, Key Responder, ReadOnlyMemory<byte> Payload)
{
    /// <summary>The peer that brought the answer, whoever gave it; null for this node, or for none.</summary>
    public Peer? Through { get; init; }

    /// <summary>Whom the answer to a <see cref="NearQuery"/> names; null for any other.</summary>
    public ImmutableArray<Contact>? Near =>
        Status == KbrStatus.Ok && NearReply.TryRead(Payload, out ImmutableArray<Contact> near) ? near : null;

    /// <summary>Who told what the answer says; null when it is this node's own knowledge.</summary>
    public Teller? Teller => Through is null ? null : Addresses.Teller.Asked(Through);
}

/// <summary>A request of this node: of a local application, or of the overlay itself.</summary>
internal sealed class OwnRequest
{
    public required ServiceId Service { get; init; }

    public required Key Destination { get; init; }

    public required RouteFlags Flags { get; init; }

    public required TimeSpan Deadline { get; init; }

    /// <summary>The application's name for it; meaningless for a control request.</summary>
    public RequestId Name { get; init; }

    /// <summary>Its name at its root, in every attempt; 0 where the overlay answers.</summary>
    public ulong Number { get; init; }

    /// <summary>Who is told of the end of a control request.</summary>
    public Action<TimeSpan, RequestResult>? Completed { get; init; }

    /// <summary>
    /// The peer that it must go through (to look into another ring), in one attempt, since another way would
    /// lead into another ring; null for the best one.
    /// </summary>
    public Key? FirstHop { get; init; }

    public int Attempts { get; set; }

    /// <summary>How often it has waited for a way; each time for longer.</summary>
    public int Waits { get; set; }

    /// <summary>How the last attempt ended, to be told when there is no time for another.</summary>
    public KbrStatus LastStatus { get; set; } = KbrStatus.Unreachable;

    /// <summary>It has ended: whoever made it is told.</summary>
    public void Complete(TimeSpan now, IOverlayOutput output, in RequestResult result)
    {
        bool hasFailed = result.Status == KbrStatus.Failed;
        if (Completed is { } completed)
        {
            completed(now, result);
        }
        else
        {
            output.CompleteRequest(
                Name,
                new KbrReply(result.Status, result.Responder, hasFailed ? default : result.Payload)
                {
                    Error = hasFailed ? PeerCodec.ReadError(result.Payload.Span) : null,
                });
        }
    }
}
