using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// The voter of a node: what coordinators ask of it, this node's own among them, is decided, written, and
/// answered when it is durable.
/// </summary>
internal sealed class VoterServer
{
    private readonly ReplicaContext _context;
    private readonly VoterJournal _journal;
    private readonly RegisterShelf _shelf;
    private readonly Acceptor _acceptor;

    /// <summary>Starts with what the log holds.</summary>
    public VoterServer(
        ReplicaContext context,
        Voter self,
        IReadOnlyList<ReadOnlyMemory<byte>> kept)
    {
        _context = context;
        _shelf = new RegisterShelf(context.Options.RegisterBytesMax);
        _journal = new VoterJournal(context) { Snapshot = Snapshot };
        var changes = new List<PieceChange>();
        foreach (VoterLogEntry entry in kept.Select(VoterLogCodec.Decode))
        {
            if (entry.Piece is { } change)
            {
                changes.Add(change);
            }
            else
            {
                _shelf.TrySet(entry.Key, entry.Register, out _);
            }
        }

        _acceptor = new Acceptor(context.Now.Monotonic, self, _journal, changes);
    }

    /// <summary>The node, with its store.</summary>
    public Voter Self => _acceptor.Self;

    /// <summary>What it promised.</summary>
    public Acceptor Acceptor => _acceptor;

    /// <summary>The registers that it holds.</summary>
    public RegisterShelf Shelf => _shelf;

    /// <summary>Whether its log failed: then it promises nothing more.</summary>
    public bool HasFailed => _journal.HasFailed;

    /// <summary>A sync of the log ended.</summary>
    public void HandleSynced(bool isDurable) => _journal.HandleSynced(isDurable);

    /// <summary>Takes a request; its answer comes when all is durable that it stands on.</summary>
    public void Handle(VoterRequest request, Action<VoterReply> answer)
    {
        if (HasFailed)
        {
            return;
        }

        VoterReply reply = request is StoreRegister store
            ? Store(store)
            : _acceptor.Handle(_context.Now.Monotonic, request);
        _journal.AfterSync(() => answer(reply));
    }

    /// <summary>Lists what is held of keys that are promised to who asks.</summary>
    public void List(KeySpan span, Ballot ballot, Action<RegisterList> answer)
    {
        if (HasFailed)
        {
            return;
        }

        var listed = new List<(Key, RegisterVersion)>();
        bool isPromised = _acceptor.IsPromised(span, ballot);
        Key last = span.Last;
        foreach ((Key key, Register register) in isPromised ? _shelf.Within(span) : [])
        {
            listed.Add((key, register.Version));
            if (listed.Count == TransferMessages.CountMax)
            {
                last = key;
                break;
            }
        }

        var list = new RegisterList(Self, isPromised, last, listed);
        _journal.AfterSync(() => answer(list));
    }

    /// <summary>Gives registers of keys that are promised to who asks; none of what is not.</summary>
    public void Fetch(KeySpan span, Ballot ballot, IReadOnlyList<Key> keys, Action<RegisterContents> answer)
    {
        if (HasFailed)
        {
            return;
        }

        var registers = new List<Register?>();
        int bytes = 0;
        foreach (Key key in _acceptor.IsPromised(span, ballot) ? keys : [])
        {
            Register? register = _shelf.Find(key);
            bytes += register?.Value.Length ?? 0;
            if (registers.Count > 0 && bytes > TransferMessages.BytesMax)
            {
                break;
            }

            registers.Add(register);
        }

        var contents = new RegisterContents(Self, registers);
        _journal.AfterSync(() => answer(contents));
    }

    /// <summary>
    /// Forgets the pieces of a span in which this voter has no part any more, and their registers.
    /// </summary>
    public bool TryDrop(KeySpan span)
    {
        if (!_acceptor.TryDrop(span))
        {
            return false;
        }

        foreach (Key key in _shelf.Within(span).Select(held => held.Key).ToList())
        {
            _shelf.TrySet(key, null, out ReadOnlyMemory<byte>? entry);
            _journal.Append(entry!.Value);
        }

        return true;
    }

    private VoterReply Store(StoreRegister store)
    {
        VoterVerdict verdict = _acceptor.Admit(_shelf.HeldOf(store.Key), store);
        if (verdict == VoterVerdict.Done)
        {
            if (!_shelf.TrySet(store.Key, store.Register, out ReadOnlyMemory<byte>? entry))
            {
                return new VoterReply(Self, store, VoterVerdict.Full);
            }

            _journal.Append(entry.Value);
        }

        return _acceptor.Answer(_context.Now.Monotonic, store, verdict);
    }

    private List<ReadOnlyMemory<byte>> Snapshot()
    {
        List<ReadOnlyMemory<byte>> all =
        [
            VoterLogCodec.Encode(new PieceChange(RegisterCells.Whole, null, _acceptor.Floor)),
        ];
        foreach (PieceVote vote in _acceptor.Within(RegisterCells.Whole))
        {
            all.Add(VoterLogCodec.Encode(new PieceChange(vote.Span, vote.Piece, _acceptor.Floor)));
        }

        all.AddRange(_shelf.Entries);
        return all;
    }
}
