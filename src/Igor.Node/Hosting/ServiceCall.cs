using Igor.Kbr;

namespace Igor.Node.Hosting;

/// <summary>
/// A downcall on its way to the strand: what an application asked for, with a copy of the payload. Calls are
/// pooled, so that asking allocates nothing.
/// </summary>
internal sealed class ServiceCall
{
    private const int PooledMax = 1024;

    /// <summary>What a call and the notes on it cost beside the payload.</summary>
    private const int OverheadBytes = 256;

    private static readonly Lock Gate = new();
    private static readonly Stack<ServiceCall> Pool = new();

    private byte[] _buffer = [];
    private int _payloadBytes;
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

    /// <summary>The payload.</summary>
    public ReadOnlyMemory<byte> Payload => new(_buffer, 0, _payloadBytes);

    /// <summary>A call that sends a message.</summary>
    public static ServiceCall Route(
        NodeService service, Key destination, ReadOnlyMemory<byte> payload, RouteOptions options)
    {
        ServiceCall call = Rent(Verb.Route, service, payload);
        call.Destination = destination;
        call.Options = new RequestOptions(default, options.Exact);
        return call;
    }

    /// <summary>A call that sends a request.</summary>
    public static ServiceCall Request(
        NodeService service,
        Key destination,
        ReadOnlyMemory<byte> payload,
        RequestOptions options,
        Action<KbrReply> completed)
    {
        ServiceCall call = Rent(Verb.Request, service, payload);
        call.Destination = destination;
        call.Options = options;
        call.Completed = completed;
        return call;
    }

    /// <summary>A call that answers a delivered request.</summary>
    public static ServiceCall Reply(NodeService service, DeliveryToken token, ReadOnlyMemory<byte> payload)
    {
        ServiceCall call = Rent(Verb.Reply, service, payload);
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
        int bytes = _payloadBytes + OverheadBytes;
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

    private static ServiceCall Rent(Verb kind, NodeService service, ReadOnlyMemory<byte> payload)
    {
        ServiceCall? call;
        lock (Gate)
        {
            Pool.TryPop(out call);
        }

        call ??= new ServiceCall();
        call.Kind = kind;
        call.Service = service;
        call._buffer = payload.Length == 0 ? [] : LargeBuffers.Rent(payload.Length);
        call._payloadBytes = payload.Length;
        payload.CopyTo(call._buffer);
        return call;
    }

    private void ReleasePayload()
    {
        if (_buffer.Length > 0)
        {
            LargeBuffers.Return(_buffer);
        }

        _buffer = [];
        _payloadBytes = 0;
    }
}
