using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Registers;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Operations;

/// <summary>
/// An operation on a register. It keeps its id over all attempts, so that it is done once; and says "unknown"
/// in the end when an attempt may have been done of which the answer did not come back.
/// </summary>
internal sealed class RegisterRequest : ClientOperation
{
    private readonly DhtRegisterCall _call;
    private readonly KnownReigns _reigns;
    private readonly int _cell;
    private RegisterOperation _operation;
    private bool _hasLeft;
    private bool _isForHere;
    private bool _mayBeDone;

    public RegisterRequest(
        DhtContext context, DhtClient client, long number, DhtRegisterCall call, KnownReigns reigns)
        : base(
            context,
            client,
            number,
            RegisterCells.AnchorOf(RegisterCells.Of(call.Key)),
            call.Timeout)
    {
        _call = call;
        _reigns = reigns;
        _cell = RegisterCells.Of(call.Key);
        _operation = new RegisterOperation
        {
            Id = reigns.NextId(context.Random),
            StartedAtUnixMs = context.Now.UnixMs,
            Reign = reigns.Find(_cell),
            Key = call.Key,
            IsRead = call.Verb == RegisterVerb.Get,
            IsDelete = call.Verb == RegisterVerb.Delete,
            Value = call.Value.ToArray(),
            Condition = call.Precondition switch
            {
                RegisterPrecondition.Absent => new RegisterCondition(null),
                RegisterPrecondition.Version => new RegisterCondition(call.Expected),
                _ => null,
            },
        };
    }

    /// <summary>Why it cannot be done at all; null when it can.</summary>
    public static string? Refusal(DhtRegisterCall call) => call.Value.Length > VoterParts.ValueBytesMax
        ? $"The value has {call.Value.Length} bytes; that of a register has {VoterParts.ValueBytesMax} "
            + "at most: store a larger one as an immutable record, and its key in the register."
        : null;

    /// <inheritdoc/>
    protected override void WriteRequest(TimeSpan budget)
    {
        _hasLeft = Context.Membership.IsMember || Context.Membership.Neighbours.Count > 0;
        _isForHere = Context.Membership.IsRootOf(Key);
        RegisterMessages.Write(
            Context.Buffer, new CallRegister(_operation, budget, RegisterMessages.HopsMax));
    }

    /// <inheritdoc/>
    protected override void HandleUnanswered(KbrStatus status) =>
        _mayBeDone |= !_operation.IsRead && (_hasLeft || status != KbrStatus.Unreachable);

    /// <inheritdoc/>
    protected override bool HandleAnswer(MessageKind kind, in KbrReply reply)
    {
        switch (kind)
        {
            case MessageKind.RegisterAnswered:
                if (TryRead(reply, RegisterMessages.ReadRegisterAnswered, out RegisterAnswered answered))
                {
                    // A request that another node did not answer in time may be answered here in the end.
                    bool hasStayed = _isForHere && reply.Responder == Context.Membership.Self;
                    HandleAnswered(answered, hasStayed);
                }

                return true;
            case MessageKind.RegisterInDoubt:
                if (TryRead(reply, MessageParts.ReadText, out var text))
                {
                    _mayBeDone = true;
                    Retry(text);
                }

                return true;
            default:
                return false;
        }
    }

    /// <inheritdoc/>
    protected override OperationResult OutOfTime() => Failed(
        DhtError.Unreachable, $"Not served within {Patience}: {Cause}.");

    /// <inheritdoc/>
    protected override OperationResult Failed(DhtError error, string message) => base.Failed(
        _mayBeDone ? DhtError.Unknown : error,
        _mayBeDone
            ? $"{message} It may have been written all the same, or be written yet: read it to find out."
            : message);

    private void HandleAnswered(in RegisterAnswered answered, bool hasStayed)
    {
        _reigns.Note(_cell, answered.Reign);
        switch (answered.Outcome)
        {
            case RegisterOutcome.NotServed:
                // A later coordinator knows that a conditional one was done by nobody before: it begins anew
                // with that one. An answer that an earlier attempt waits for is not taken any more.
                if (_operation.Condition is not null && answered.Reign > _operation.Reign)
                {
                    _operation = _operation with { Reign = answered.Reign };
                    _mayBeDone = false;
                    Attempt();
                }
                else
                {
                    // One copy of it was not served, and another may come to a coordinator yet.
                    _mayBeDone |= !_operation.IsRead && !hasStayed;
                    Retry(answered.Text);
                }

                break;
            case RegisterOutcome.Unknown:
                _mayBeDone = true;
                End(Failed(
                    DhtError.Unknown, "The coordinator changed while the write was under way."));
                break;
            default:
                End(new OperationResult { Register = ResultOf(answered) });
                break;
        }
    }

    private RegisterResult ResultOf(in RegisterAnswered answered) => new()
    {
        Key = _call.Key,
        Outcome = answered.Outcome switch
        {
            RegisterOutcome.Applied => RegisterOutcomeKind.Written,
            RegisterOutcome.NotMet => RegisterOutcomeKind.ConditionFailed,
            _ when answered.Value is not null => RegisterOutcomeKind.Found,
            _ when answered.Stamp != default => RegisterOutcomeKind.Deleted,
            _ => RegisterOutcomeKind.Absent,
        },
        Version = answered.Stamp,
        Value = answered.Value ?? default,
        Voters = answered.Voters,
        IsContested = answered.IsContested,
    };
}
