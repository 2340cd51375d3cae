using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// Brings calls on registers to who coordinates them: here, or at the node that neighbours say does. Whoever
/// passes a call on and hears no end of it says so, since it may have been done. One that comes again
/// meanwhile, from hops that sent it by two ways or from its client, waits for the same answer.
/// </summary>
internal sealed class CallRouter(
    ReplicaContext context, VoterServer server, PieceDirectory directory, CoordinatorOffice office)
    : IReplyHandler
{
    private const string NobodyText = "nobody coordinates the register at the moment";

    /// <summary>Of the time that a call has, what is left to whom it is passed on.</summary>
    private const double BudgetPassedOn = 0.9;

    /// <summary>Copies of a call that wait for one answer: more come of no honest network.</summary>
    private const int CopiesMax = 16;

    private readonly Dictionary<int, PassedOnCall> _passedOn = [];
    private readonly Dictionary<OperationId, PassedOnCall> _operationsPassedOn = [];
    private int _lastTag;
    private bool _hasHeardOfAny;

    /// <summary>
    /// A neighbour told what it keeps. Who has kept registers may leave with them, and is missed by nobody.
    /// </summary>
    public void HandleTold() => _hasHeardOfAny |= directory.HasAny;

    /// <summary>A call arrived.</summary>
    public void HandleCall(in KbrDelivery delivery, in CallRegister call)
    {
        Lease lease = context.Lease();
        if (_passedOn.Count >= context.Options.ServingMax)
        {
            context.Defer(delivery.Token, "too many calls on registers are under way");
        }
        else if (!lease.TryAdd(call.Operation.Value.Length + RegisterEntryBytes))
        {
            context.DeferForRoom(delivery.Token);
        }
        else
        {
            Take(new WaitingCall(call.Operation, call.Budget, call.Hops, delivery.Token, lease));
        }
    }

    /// <summary>Whom it was passed on to answered, or nobody did.</summary>
    public void HandleReply(int tag, in KbrReply reply)
    {
        if (_passedOn.Remove(tag, out PassedOnCall? passedOn))
        {
            _operationsPassedOn.Remove(passedOn.Call.Operation.Id);
            AnswerPassedOn(passedOn.Call, reply);
            passedOn.Copies.ForEach(context.Reply); // the same
        }
    }

    /// <summary>Answers a call that was served here.</summary>
    public void Answer(WaitingCall call, RegisterAnswer answer, Reign reign)
    {
        int cell = RegisterCells.Of(call.Operation.Key);
        bool isContested = directory.All(cell).Select(other => other.Told.Vote.Piece.View.Lineage).Any(
            other => other != reign.View.Lineage && !reign.View.DescendsFrom(other));
        Reply(call, new RegisterAnswered(
            answer.Outcome,
            answer.Version.Stamp,
            answer.Found?.Value,
            answer.Reign,
            reign.View.Voters.Length,
            isContested,
            answer.Outcome == RegisterOutcome.NotServed
                ? "the coordinator ended, or has too much to do"
                : string.Empty));
    }

    private const int RegisterEntryBytes = 512;

    private static RegisterAnswered NotServed(string text) => new(
        RegisterOutcome.NotServed, default, null, Ballot.None, 0, false, text);

    private void Take(WaitingCall call)
    {
        RegisterOperation operation = call.Operation;
        if (office.Find(operation.Key) is not { } reign)
        {
            PassOn(call);
        }
        else if (!operation.IsRead && !operation.IsDelete && !server.Shelf.HasRoomForClients)
        {
            context.Refuse(
                call.Token,
                RefusalReason.Quota,
                "the registers of this node take as much memory as they may");
            call.Lease.End();
        }
        else if (!reign.TrySubmit(call))
        {
            Reply(call, NotServed(NobodyText));
        }
    }

    private void PassOn(WaitingCall call)
    {
        int cell = RegisterCells.Of(call.Operation.Key);
        Piece? newest = server.Acceptor.Find(RegisterCells.AnchorOf(cell));
        foreach ((_, ToldPiece told) in directory.All(cell))
        {
            Piece piece = told.Vote.Piece;
            if (newest is null
                || (piece.View.Lineage == newest.View.Lineage && piece.Promised > newest.Promised))
            {
                newest = piece;
            }
        }

        if (newest is null)
        {
            TakeUnfounded(call);
        }
        else if (NextTo(cell, newest) is { } next)
        {
            Send(call, next, isExact: true);
        }
        else
        {
            Reply(call, NotServed(NobodyText));
        }
    }

    // Nobody near knows of any register. The root of the key 0 founds the lineage of all when the first is
    // written, so that there are not as many as roots; not while a member is missing, who may know of one.
    private void TakeUnfounded(WaitingCall call)
    {
        Membership membership = context.Membership;
        if (!membership.IsRootOf(Key.Zero))
        {
            Send(call, Key.Zero, isExact: false);
        }
        else if (membership.IsAlone || membership.MissingMembers.Any() || !directory.HaveAllTold
            || _hasHeardOfAny || server.HasFailed)
        {
            Reply(call, NotServed("it is not known here yet whether there are registers in the network"));
        }
        else if (call.Operation.IsRead)
        {
            Reply(call, new RegisterAnswered(RegisterOutcome.Read, default, null, Ballot.None, 0, false, ""));
        }
        else
        {
            if (server.Acceptor.Find(Key.Zero) is null)
            {
                office.Found();
            }

            Reply(call, NotServed("the network's registers are being founded"));
        }
    }

    private Key? NextTo(int cell, Piece piece)
    {
        Key self = server.Self.Node;
        Key coordinator = piece.Promised.Proposer.Node;
        if (coordinator != self && context.Membership.Alive.Contains(coordinator))
        {
            return coordinator;
        }

        foreach ((Key node, ToldPiece told) in directory.All(cell))
        {
            if (told.Leadership == Leadership.Heard && told.Vote.Piece.Promised == piece.Promised)
            {
                return node;
            }
        }

        return null;
    }

    private void Send(WaitingCall call, Key to, bool isExact)
    {
        if (call.Hops == 0)
        {
            Reply(call, NotServed(NobodyText));
            return;
        }

        if (_operationsPassedOn.TryGetValue(call.Operation.Id, out PassedOnCall? first))
        {
            Join(first, call);
            return;
        }

        var passedOn = new PassedOnCall(call, []);
        _operationsPassedOn.Add(call.Operation.Id, passedOn);
        _passedOn.Add(++_lastTag, passedOn);
        TimeSpan budget = call.Budget * BudgetPassedOn;
        RegisterMessages.Write(context.Buffer, new CallRegister(call.Operation, budget, call.Hops - 1));
        context.Request(this, _lastTag, to, isExact, budget);
    }

    // Not one that went in a circle, nor one that its client began anew since: that takes no answer that was
    // given under the earlier ballot.
    private void Join(PassedOnCall first, WaitingCall call)
    {
        if (first.Call.Hops == call.Hops && first.Call.Operation.Reign == call.Operation.Reign
            && first.Copies.Count < CopiesMax)
        {
            first.Copies.Add(call.Token);
            call.Lease.End();
        }
        else
        {
            Doubt(call, "the call is passed on already: it came twice");
        }
    }

    private void AnswerPassedOn(WaitingCall call, in KbrReply reply)
    {
        if (reply.Status == KbrStatus.Ok
            && Decoding.TryRead(
                reply.Payload,
                MessageKind.RegisterAnswered,
                RegisterMessages.ReadRegisterAnswered,
                out RegisterAnswered answered)
            && (call.Operation.IsRead || answered.Outcome != RegisterOutcome.NotServed
                || (answered.Reign != Ballot.None && call.Operation.Condition is not null)))
        {
            Reply(call, answered);
        }
        else if (call.Operation.IsRead)
        {
            Reply(call, NotServed(NobodyText));
        }
        else
        {
            // Hops send what they doubt to have arrived by another way too: when one copy was not served,
            // another may come to a coordinator yet.
            Doubt(call, "the coordinator's answer did not come back");
        }
    }

    private void Doubt(WaitingCall call, string text)
    {
        RegisterMessages.WriteInDoubt(context.Buffer, text);
        context.Reply(call.Token);
        call.Lease.End();
    }

    private void Reply(WaitingCall call, in RegisterAnswered answered)
    {
        RegisterMessages.Write(context.Buffer, answered);
        context.Reply(call.Token);
        call.Lease.End();
    }

    private sealed record PassedOnCall(WaitingCall Call, List<DeliveryToken> Copies);
}
