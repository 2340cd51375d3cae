using System.Diagnostics.CodeAnalysis;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// What a replica does for registers: it votes, coordinates, and brings calls to coordinators. It only
/// dispatches, and does at the end of each input what followed from it.
/// </summary>
internal sealed class RegisterReplica
{
    private readonly ReplicaContext _context;
    private readonly VoterServer _server;
    private readonly PieceDirectory _directory;
    private readonly CoordinatorOffice _office;
    private readonly CallRouter _router;
    private readonly LineageKeeper _lineages;
    private readonly Queue<Action> _later = new();

    /// <summary>Starts with what the log of the voter holds.</summary>
    public RegisterReplica(
        ReplicaContext context, ulong incarnation, IReadOnlyList<ReadOnlyMemory<byte>> kept)
    {
        _context = context;
        _server = new VoterServer(context, new Voter(context.Membership.Self, incarnation), kept);
        var calls = new VoterCalls(context, _server, _later.Enqueue)
        {
            Answered = reply => _office!.Handle(reply),
        };
        _directory = new PieceDirectory(context, _server, _later.Enqueue)
        {
            Changed = () =>
            {
                _router!.HandleTold();
                _office!.HandleTold();
            },
        };
        _office = new CoordinatorOffice(context, _server, calls, _directory)
        {
            Later = _later.Enqueue,
            Answer = (call, answer, reign) => _router!.Answer(call, answer, reign),
        };
        _router = new CallRouter(context, _server, _directory, _office);
        _lineages = new LineageKeeper(context, _server, _directory, _office);
    }

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline => DhtTime.Earliest(_office.NextDeadline, _directory.NextDeadline);

    /// <summary>The voter.</summary>
    public VoterServer Server => _server;

    /// <summary>Number of coordinators that serve here.</summary>
    public int Serving => _office.Serving;

    /// <summary>A node that is not there is dead for good: those who are left decide without it.</summary>
    public void GiveUp(Key node) => _directory.GiveUp(node);

    /// <summary>
    /// Of how many cells a node is a voter, as far as is known here, and of how many of these most voters are
    /// not there.
    /// </summary>
    public (int Cells, int InDoubt) Survey(Key node) => _directory.Survey(node);

    /// <summary>Number of cells that it votes about or coordinates.</summary>
    public int Cells => _office.Cells;

    /// <summary>Who coordinates a key here; null when nobody does.</summary>
    public ReignHost? FindReign(Key key) => _office.Find(key);

    /// <summary>Whether only the coordinator of the ballot, or a neighbour, may send such messages.</summary>
    public static bool IsBetweenReplicas(MessageKind kind) => VoterMessages.IsRequest(kind)
        || kind is MessageKind.ListRegisters or MessageKind.FetchRegisters or MessageKind.TellPieces;

    /// <summary>Takes a message; false when it is of another kind.</summary>
    public bool TryHandle(in KbrDelivery delivery, MessageKind kind)
    {
        DeliveryToken token = delivery.Token;
        if (VoterMessages.IsRequest(kind))
        {
            if (TryRead(
                    delivery,
                    (ref MessagePackReader reader) => VoterMessages.Read(kind, ref reader),
                    out AskedVoter asked)
                && IsForThis(delivery, asked.Incarnation, asked.Request.Ballot))
            {
                _server.Handle(asked.Request, reply =>
                {
                    VoterMessages.WriteReply(_context.Buffer, reply);
                    _context.Reply(token);
                });
            }
        }
        else if (kind == MessageKind.ListRegisters)
        {
            if (TryRead(delivery, TransferMessages.ReadListRegisters, out ListRegisters list)
                && IsForThis(delivery, list.Incarnation, list.Ballot))
            {
                _server.List(list.Span, list.Ballot, held =>
                {
                    TransferMessages.Write(_context.Buffer, held);
                    _context.Reply(token);
                });
            }
        }
        else if (kind == MessageKind.FetchRegisters)
        {
            if (TryRead(delivery, TransferMessages.ReadFetchRegisters, out FetchRegisters fetch)
                && IsForThis(delivery, fetch.Incarnation, fetch.Ballot))
            {
                _server.Fetch(fetch.Span, fetch.Ballot, fetch.Keys, contents =>
                {
                    TransferMessages.Write(_context.Buffer, contents);
                    _context.Reply(token);
                });
            }
        }
        else
        {
            return TryHandleOthers(delivery, kind);
        }

        return true;
    }

    // What does not come from coordinators.
    private bool TryHandleOthers(in KbrDelivery delivery, MessageKind kind)
    {
        if (kind == MessageKind.TellPieces)
        {
            if (TryRead(delivery, PieceMessages.ReadTellPieces, out TellPieces tell))
            {
                _directory.HandleTell(delivery, tell);
            }
        }
        else if (kind == MessageKind.Lineages)
        {
            if (TryRead(delivery, LineagesMessage.Read, out LineagesMessage message))
            {
                _lineages.Handle(delivery.Token, message);
            }
        }
        else if (kind == MessageKind.CallRegister)
        {
            if (TryRead(delivery, RegisterMessages.ReadCallRegister, out CallRegister call))
            {
                _router.HandleCall(delivery, call);
            }
        }
        else
        {
            return false;
        }

        return true;
    }

    /// <summary>A sync of the log ended.</summary>
    public void HandleSynced(bool isDurable)
    {
        _server.HandleSynced(isDurable);
        if (!isDurable)
        {
            _office.HandleChanged();
        }
    }

    /// <summary>The ring has changed.</summary>
    public void HandleUpdate()
    {
        _directory.HandleUpdate();
        _office.HandleChanged();
    }

    /// <summary>The deadline may have passed.</summary>
    public void HandleDeadline()
    {
        _office.HandleDeadline();
        _directory.HandleDeadline();
    }

    /// <summary>Hands over what is coordinated here; the node stays a voter.</summary>
    public void Close()
    {
        _office.EndAll();
        Settle();
    }

    /// <summary>Does what followed from an input.</summary>
    public void Settle()
    {
        do
        {
            while (_later.TryDequeue(out Action? action))
            {
                action();
            }

            _office.Settle();
        }
        while (_later.Count > 0);
    }

    // A ballot is used by whom it names; a store that is gone has promised nothing to anybody.
    private bool IsForThis(in KbrDelivery delivery, ulong incarnation, Ballot ballot)
    {
        if (incarnation == _server.Self.Incarnation && ballot.Proposer.Node == delivery.Source)
        {
            return true;
        }

        _context.Refuse(
            delivery.Token, RefusalReason.Permission, "the ballot is not the sender's, or the store another");
        return false;
    }

    private bool TryRead<T>(
        in KbrDelivery delivery, FieldsReading<T> fields, [MaybeNullWhen(false)] out T message)
    {
        bool isMessage = Decoding.TryRead(delivery.Payload, fields, out message, out string fault);
        if (!isMessage)
        {
            _context.Refuse(delivery.Token, RefusalReason.Malformed, "malformed message: " + fault);
        }

        return isMessage;
    }
}
