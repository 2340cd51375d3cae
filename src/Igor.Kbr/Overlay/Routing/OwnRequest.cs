using Igor.Kbr.Overlay.Addresses;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>How a request of this node ended.</summary>
internal readonly record struct RequestResult(KbrStatus Status, Key Responder, ReadOnlyMemory<byte> Payload)
{
    /// <summary>
    /// The peer that brought the answer, whatever it says about who gave it; null when this node did, or
    /// there is none.
    /// </summary>
    public Peer? Through { get; init; }

    /// <summary>Who told what the answer says; null when it is this node's own knowledge.</summary>
    public Teller? Teller => Through is null ? null : Addresses.Teller.Asked(Through);
}

/// <summary>A request of this node: of a local application, or of the overlay itself.</summary>
internal sealed class OwnRequest
{
    /// <summary>More than the attempts that fit into most deadlines.</summary>
    private const int TriedMax = 64;

    private byte[] _buffer = [];
    private int _length;

    public required ServiceId Service { get; init; }

    public required Key Destination { get; init; }

    public required RouteFlags Flags { get; init; }

    public required TimeSpan Deadline { get; init; }

    /// <summary>The application's name for it; meaningless for a control request.</summary>
    public RequestId Name { get; init; }

    /// <summary>
    /// What it is called wherever it is delivered, in every attempt; 0 for a control request, which is
    /// answered by the overlay.
    /// </summary>
    public ulong Number { get; init; }

    /// <summary>Who is told of the end of a control request.</summary>
    public Action<TimeSpan, RequestResult>? Completed { get; init; }

    /// <summary>
    /// The peer that it must go through (to look into another ring), in one attempt, since another way would
    /// lead into another ring; null for the best one.
    /// </summary>
    public Key? FirstHop { get; init; }

    /// <summary>The peer that brought the answer; see <see cref="RequestResult.Through"/>.</summary>
    public Peer? AnsweredThrough { get; set; }

    /// <summary>When it began.</summary>
    public TimeSpan BegunAt { get; set; }

    /// <summary>Attempts so far.</summary>
    public int Attempts { get; set; }

    /// <summary>
    /// The first hops of this round of attempts, each once: when all that there are have had it, the next
    /// round begins.
    /// </summary>
    public List<Key>? Tried { get; private set; }

    /// <summary>How the last attempt ended, to be told when there is no time for another.</summary>
    public KbrStatus LastStatus { get; set; } = KbrStatus.Unreachable;

    public ReadOnlyMemory<byte> Payload => _buffer.AsMemory(0, _length);

    /// <summary>What stands behind the header in each attempt's frame: the payload and the number.</summary>
    public ReadOnlySpan<byte> Rest =>
        _buffer.AsSpan(0, Number == 0 ? _length : _length + RoutedFrame.RequestNumberBytes);

    /// <summary>An attempt goes to a peer.</summary>
    public void NoteTried(Key peer)
    {
        Tried ??= [];
        if (Tried.Count >= TriedMax || Tried.Contains(peer))
        {
            Tried.Clear();
        }

        Tried.Add(peer);
    }

    public void Keep(ReadOnlySpan<byte> payload)
    {
        _buffer = LargeBuffers.Rent(payload.Length + RoutedFrame.RequestNumberBytes);
        payload.CopyTo(_buffer);
        _length = payload.Length;
        RoutedFrame.WriteRequestNumber(_buffer.AsSpan(_length), Number);
    }

    /// <summary>It has ended: whoever made it is told.</summary>
    public void Complete(TimeSpan now, IOverlayOutput output, in RequestResult result)
    {
        if (Completed is { } completed)
        {
            completed(now, result with { Through = AnsweredThrough });
        }
        else if (result.Status == KbrStatus.Failed)
        {
            string error = PeerCodec.ReadError(result.Payload.Span);
            output.CompleteRequest(
                Name, new KbrReply(result.Status, result.Responder, default) { Error = error });
        }
        else
        {
            output.CompleteRequest(Name, new KbrReply(result.Status, result.Responder, result.Payload));
        }

        Release();
    }

    /// <summary>Gives the payload's memory back.</summary>
    public void Release()
    {
        if (_buffer.Length > 0)
        {
            LargeBuffers.Return(_buffer);
        }

        _buffer = [];
        _length = 0;
    }
}
