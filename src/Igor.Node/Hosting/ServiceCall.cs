using Igor.Kbr;

namespace Igor.Node.Hosting;

/// <summary>
/// A downcall on its way to the strand: what an application asked for, and a hold on the payload. Calls are
/// pooled.
/// </summary>
internal sealed class ServiceCall
{
    private const int PooledMax = 1024;

    /// <summary>What a call and the notes on it cost beside the payload.</summary>
    private const int OverheadBytes = 256;

    private static readonly Lock Gate = new();
    private static readonly Stack<ServiceCall> Pool = new();

    private PooledPayload? _payload;
    private int _chargedBytes;

    private ServiceCall()
    {
    }

    /// <summary>What is asked for.</summary>
    public enum Verb
    {
        /// <summary>Send a message.</summary>
        Route,

        /// <summary>Send a request.</summary>
        Request,

        /// <summary>Answer a delivered request.</summary>
        Reply,

        /// <summary>
        /// End a request, or the delivery that was answered, at once, because the queue was full.
        /// </summary>
        Refuse,
    }

    /// <summary>What is asked for.</summary>
    public Verb Kind { get; private set; }

    /// <summary>Who asks.</summary>
    public NodeService Service { get; private set; } = null!;

    /// <summary>Where the message goes.</summary>
    public Key Destination { get; private set; }

    /// <summary>How it goes.</summary>
    public RequestOptions Options { get; private set; }

    /// <summary>What to answer.</summary>
    public DeliveryToken Token { get; private set; }

    /// <summary>Who hears of a request's end.</summary>
    public Action<KbrReply>? Completed { get; private set; }

    /// <summary>The payload; null for a refusal.</summary>
    public PooledPayload? Payload => _payload;

    /// <summary>A call that sends a message.</summary>
    public static ServiceCall Route(
        NodeService service, Key destination, ReadOnlyMemory<byte> payload, RouteOptions options)
    {
        ServiceCall call = Rent(Verb.Route, service, PooledPayload.Of(payload.Span));
        call.Destination = destination;
        call.Options = new RequestOptions(default, options.Exact);
        return call;
    }

    /// <summary>A call that sends a request.</summary>
    public static ServiceCall Request(
        NodeService service,
        Key destination,
        PooledPayload payload,
        RequestOptions options,
        Action<KbrReply> completed)
    {
        ServiceCall call = Rent(Verb.Request, service, payload.Hold());
        call.Destination = destination;
        call.Options = options;
        call.Completed = completed;
        return call;
    }

    /// <summary>A call that answers a delivered request.</summary>
    public static ServiceCall Reply(NodeService service, DeliveryToken token, PooledPayload payload)
    {
        ServiceCall call = Rent(Verb.Reply, service, payload.Hold());
        call.Token = token;
        return call;
    }

    /// <summary>Turns a call that found the queue full into its refusal, without the payload.</summary>
    public void BecomeRefusal()
    {
        Kind = Verb.Refuse;
        ReleasePayload();
    }

    /// <summary>
    /// Takes what the call costs from the account of its application: the payload, and so much that a great
    /// many small ones count too.
    /// </summary>
    /// <returns>False when the application has used up its share; nothing is taken then.</returns>
    public bool TryCharge()
    {
        int bytes = _payload!.Length + OverheadBytes;
        if (!Service.TryTake(bytes))
        {
            return false;
        }

        _chargedBytes = bytes;
        return true;
    }

    /// <summary>What was taken is not given back with the call: whoever asks does that now.</summary>
    public int KeepCharge()
    {
        int bytes = _chargedBytes;
        _chargedBytes = 0;
        return bytes;
    }

    /// <summary>Gives the call back to the pool; it must not be used any more.</summary>
    public void Return()
    {
        ReleasePayload();
        Service.Account.Return(KeepCharge());
        Service = null!;
        Completed = null;
        lock (Gate)
        {
            if (Pool.Count < PooledMax)
            {
                Pool.Push(this);
            }
        }
    }

    private static ServiceCall Rent(Verb kind, NodeService service, PooledPayload payload)
    {
        ServiceCall? call;
        lock (Gate)
        {
            Pool.TryPop(out call);
        }

        call ??= new ServiceCall();
        call.Kind = kind;
        call.Service = service;
        call._payload = payload;
        return call;
    }

    private void ReleasePayload()
    {
        _payload?.Release();
        _payload = null;
    }
}
