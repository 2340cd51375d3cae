using System.Diagnostics.CodeAnalysis;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Operations;

/// <summary>One operation, from its first attempt to its end.</summary>
internal abstract class ClientOperation : IReplyHandler
{
    private static readonly TimeSpan AttemptMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly DhtClient _client;
    private readonly TimeSpan _deadline;
    private readonly TimeSpan _timeout;
    private TimeSpan _pause = FirstPause;
    private int _attempt;

    protected ClientOperation(
        DhtContext context, DhtClient client, long number, Key key, TimeSpan timeout)
    {
        Context = context;
        _client = client;
        Number = number;
        Key = key;
        _timeout = timeout;
        _deadline = context.Now.Monotonic + timeout;
    }

    /// <summary>The caller's name for it.</summary>
    public long Number { get; }

    /// <summary>Who hears of its end.</summary>
    public required Action<OperationResult> Completed { get; init; }

    /// <summary>The key it is about.</summary>
    protected Key Key { get; }

    /// <summary>What the machines share.</summary>
    protected DhtContext Context { get; }

    /// <summary>Makes the first attempt.</summary>
    public void Start() => Attempt();

    /// <summary>Goes on after a pause.</summary>
    public void Resume()
    {
        if (Context.Now.Monotonic >= _deadline)
        {
            End(OutOfTime());
        }
        else
        {
            Attempt();
        }
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        if (tag != _attempt || !_client.IsRunning(Number))
        {
            return;
        }

        if (reply.Status == KbrStatus.TooLarge)
        {
            Fail(DhtError.Refused, "The record is larger than a message of this network may be.");
        }
        else if (reply.Status != KbrStatus.Ok)
        {
            HandleUnanswered(reply.Status);
            Retry(Explain(reply.Status));
        }
        else
        {
            HandleAnswer(reply);
        }
    }

    /// <summary>Writes the request into the shared buffer; the root is to answer within the budget.</summary>
    protected abstract void WriteRequest(TimeSpan budget);

    /// <summary>
    /// Handles an answer of a kind of the operation's own; false when it is of no such kind.
    /// </summary>
    protected abstract bool HandleAnswer(MessageKind kind, in KbrReply reply);

    /// <summary>Reads the fields of an answer; tries again when they are none.</summary>
    protected bool TryRead<T>(
        in KbrReply reply, FieldsReading<T> fields, [MaybeNullWhen(false)] out T message)
    {
        bool isMessage = Decoding.TryRead(reply.Payload, fields, out message, out string fault);
        if (!isMessage)
        {
            RetryMalformed(reply, fault);
        }

        return isMessage;
    }

    /// <summary>An attempt ended without an answer.</summary>
    protected virtual void HandleUnanswered(KbrStatus status)
    {
    }

    /// <summary>The root says what time it is; whether that leads to another attempt.</summary>
    protected virtual bool TryCorrectTime(long unixMs) => false;

    /// <summary>The result when time is over, and the cause of the last failure.</summary>
    protected abstract OperationResult OutOfTime();

    /// <summary>What went wrong last, for people.</summary>
    protected string Cause { get; private set; } = "no attempt ended";

    /// <summary>What was tried and how it ended, for people.</summary>
    protected string Tried => _attempt == 1
        ? $"the request to the root of the key failed within {Patience}: {Cause}"
        : $"{_attempt} requests to the root of the key failed within {Patience}, the last because {Cause}";

    /// <summary>The time that the caller gave, for people.</summary>
    protected string Patience => FormattableString.Invariant($"{_timeout.TotalSeconds:0.###} s");

    /// <summary>Tries again after a pause, or gives up when that would be too late.</summary>
    protected void Retry(string cause)
    {
        Cause = cause;
        TimeSpan until = Context.Now.Monotonic + Context.Random.Between(_pause / 2, _pause);
        _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
        _client.Pause(this, until < _deadline ? until : _deadline);
    }

    /// <summary>Tries again at once.</summary>
    protected void Attempt()
    {
        TimeSpan left = _deadline - Context.Now.Monotonic;
        TimeSpan timeout = left < AttemptMax ? left : AttemptMax;
        if (timeout <= TimeSpan.Zero)
        {
            End(OutOfTime());
            return;
        }

        _attempt++;
        WriteRequest(timeout * 0.75);
        Context.Request(this, _attempt, Key, exact: false, timeout);
    }

    /// <summary>Ends the operation.</summary>
    protected void End(OperationResult result) => _client.End(this, result);

    /// <summary>Ends the operation with a failure.</summary>
    protected void Fail(DhtError error, string message) => End(Failed(error, message));

    /// <summary>A failure.</summary>
    protected virtual OperationResult Failed(DhtError error, string message) =>
        new() { Failure = new DhtFailure(error, message) };

    private static string Explain(KbrStatus status) => status switch
    {
        KbrStatus.Timeout => "the root of the key did not answer in time",
        KbrStatus.Unreachable => "no member of the DHT can be reached",
        KbrStatus.Closed => "the connection to the local node was lost",
        KbrStatus.Overloaded => "a queue on the way is full",
        _ => "the message did not arrive",
    };

    private void HandleAnswer(in KbrReply reply)
    {
        if (!Decoding.TryReadKind(reply.Payload, out MessageKind kind, out string fault))
        {
            RetryMalformed(reply, fault);
        }
        else if (kind == MessageKind.Busy)
        {
            if (TryRead(reply, MessageParts.ReadText, out var text))
            {
                Retry(text);
            }
        }
        else if (kind == MessageKind.Refused)
        {
            if (TryRead(reply, CommonMessages.ReadRefused, out var refused))
            {
                HandleRefusal(reply.Responder, refused.Reason, refused.Text, refused.UnixMs);
            }
        }
        else if (!HandleAnswer(kind, reply))
        {
            Retry($"node {reply.Responder.ToShortString()} gave an answer of kind {kind}");
        }
    }

    private void RetryMalformed(in KbrReply reply, string fault) =>
        Retry($"node {reply.Responder.ToShortString()} gave a malformed answer: {fault}");

    private void HandleRefusal(Key responder, RefusalReason reason, string why, long unixMs)
    {
        string text = $"Node {responder.ToShortString()} refuses: {why}";
        if (reason == RefusalReason.Version && unixMs > 0 && TryCorrectTime(unixMs))
        {
            Retry(text);
        }
        else if (reason != RefusalReason.Disk)
        {
            Fail(DhtError.Refused, text);
        }
        else
        {
            Fail(responder == Context.Membership.Self ? DhtError.Local : DhtError.NotEnoughReplicas, text);
        }
    }
}
