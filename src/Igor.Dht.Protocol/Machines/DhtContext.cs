using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Machines;

/// <summary>Takes the end of a request that was sent.</summary>
internal interface IReplyHandler
{
    /// <summary>The request with that tag ended; the payload is valid during the call.</summary>
    void HandleReply(int tag, in KbrReply reply);
}

/// <summary>
/// What a client needs, and shares with the replica beside it: the time of the input that is being handled,
/// whom it knows, and the way out, which finds back to the machine that asked.
/// </summary>
internal class DhtContext
{
    private readonly Dictionary<long, (IReplyHandler Handler, int Tag)> _requests = [];
    private long _lastToken;

    /// <summary>Makes the shared part.</summary>
    public DhtContext(Key self, DhtNodeOptions options, IDhtOutput output, ulong seed)
    {
        Options = options;
        Output = output;
        Random = new SeededRandom(seed);
        Clock = new HybridClock(Random.NextUInt64(), options.VersionAheadMax);
        Membership = new Membership(self, options.MissingRetention);
        Judge = new RecordJudge(options);
    }

    /// <summary>Settings.</summary>
    public DhtNodeOptions Options { get; }

    /// <summary>The time of the input that is being handled.</summary>
    public DhtTime Now { get; set; }

    /// <summary>
    /// Bytes of the payload that is being handled, if they are this node's for good; 0 if they are valid
    /// during the input only.
    /// </summary>
    public int OwnedBytes { get; set; }

    /// <summary>Randomness.</summary>
    public SeededRandom Random { get; }

    /// <summary>Says which records may be taken.</summary>
    public RecordJudge Judge { get; }

    /// <summary>Makes versions.</summary>
    public HybridClock Clock { get; }

    /// <summary>Who is a member.</summary>
    public Membership Membership { get; }

    /// <summary>Where messages are built.</summary>
    public PayloadBuffer Buffer { get; } = new();

    /// <summary>The way out.</summary>
    protected IDhtOutput Output { get; }

    /// <summary>
    /// The bytes of a record in the payload that is being handled, to be kept: those of the payload where
    /// they are most of it, else a copy, so that a small record does not keep a large message.
    /// </summary>
    public ReadOnlyMemory<byte> Own(ReadOnlyMemory<byte> record) =>
        record.Length > OwnedBytes / 2 && OwnedBytes > 0 ? record : record.ToArray();

    /// <summary>Sends the message in the buffer as a request.</summary>
    public void Request(IReplyHandler handler, int tag, Key destination, bool exact, TimeSpan timeout)
    {
        long token = NextToken();
        _requests.Add(token, (handler, tag));
        Output.Request(token, destination, exact, Buffer.Payload, timeout);
    }

    /// <summary>A request ended.</summary>
    public void HandleReply(long token, in KbrReply reply)
    {
        if (_requests.Remove(token, out (IReplyHandler Handler, int Tag) waiting))
        {
            waiting.Handler.HandleReply(waiting.Tag, reply);
        }
    }

    /// <summary>A name, never given before, for what went out and is waited for.</summary>
    protected long NextToken() => ++_lastToken;
}
