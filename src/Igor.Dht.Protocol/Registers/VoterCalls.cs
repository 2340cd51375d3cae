using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// What this node asks of voters, its own among them. Whom it does not hear is not asked; what is not
/// answered has ended after some time, and is asked again by who needs it.
/// </summary>
internal sealed class VoterCalls(ReplicaContext context, VoterServer server, Action<Action> later)
    : IReplyHandler
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Answers that are waited for, of all voters: more than transfers and writes ever have.
    /// </summary>
    private const int OpenMax = 16_384;

    private readonly Dictionary<int, Open> _open = [];
    private int _lastTag;

    /// <summary>Called with every answer of a voter.</summary>
    public required Action<VoterReply> Answered { get; init; }

    /// <summary>Asks a voter.</summary>
    public void Ask(Voter to, VoterRequest request)
    {
        if (to == server.Self)
        {
            later(() => server.Handle(request, reply => later(() => Answered(reply))));
        }
        else if (MayAsk(to))
        {
            VoterMessages.Write(context.Buffer, to, request);
            Send(new Open(to, request, null, null));
        }
    }

    /// <summary>Asks which registers a voter holds; null when it is not told.</summary>
    public void List(Voter of, KeySpan span, Ballot ballot, Action<RegisterList?> ended)
    {
        if (of == server.Self)
        {
            later(() => server.List(span, ballot, list => later(() => ended(list))));
        }
        else if (MayAsk(of))
        {
            TransferMessages.Write(context.Buffer, new ListRegisters(of.Incarnation, span, ballot));
            Send(new Open(of, null, ended, null));
        }
        else
        {
            later(() => ended(null));
        }
    }

    /// <summary>Asks for registers, of another voter; null when they are not given.</summary>
    public void Fetch(
        Voter of, KeySpan span, Ballot ballot, IReadOnlyList<Key> keys, Action<RegisterContents?> ended)
    {
        if (MayAsk(of))
        {
            TransferMessages.Write(context.Buffer, new FetchRegisters(of.Incarnation, span, ballot, keys));
            Send(new Open(of, null, null, ended));
        }
        else
        {
            later(() => ended(null));
        }
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        if (!_open.Remove(tag, out Open open))
        {
            return;
        }

        bool isOf = reply.Status == KbrStatus.Ok && reply.Responder == open.To.Node;
        if (open.Request is { } request)
        {
            if (isOf && Decoding.TryRead(
                    reply.Payload, MessageKind.Voted, VoterMessages.ReadReply, out VoterAnswer answer)
                && answer.From == open.To)
            {
                Answered(answer.To(request));
            }
        }
        else if (open.Listed is { } listed)
        {
            bool isList = Decoding.TryRead(
                reply.Payload, MessageKind.RegisterList, TransferMessages.ReadRegisterList, out var list);
            listed(isOf && isList && list.From == open.To ? list : null);
        }
        else
        {
            bool areThere = Decoding.TryRead(
                reply.Payload,
                MessageKind.RegisterContents,
                TransferMessages.ReadRegisterContents,
                out var contents);
            open.Fetched!(isOf && areThere && contents.From == open.To ? contents : null);
        }
    }

    private bool MayAsk(Voter to) => to.Node != server.Self.Node
        && context.Membership.Alive.Contains(to.Node) && _open.Count < OpenMax;

    private void Send(in Open open)
    {
        _open.Add(++_lastTag, open);
        context.Request(this, _lastTag, open.To.Node, exact: true, Patience);
    }

    private readonly record struct Open(
        Voter To,
        VoterRequest? Request,
        Action<RegisterList?>? Listed,
        Action<RegisterContents?>? Fetched);
}
