using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Views;

/// <summary>Where a voter's pieces are kept.</summary>
internal interface IPieceJournal
{
    /// <summary>
    /// Appends a change. Changes of pieces, registers and replies leave in the order in which they are made:
    /// a reply waits until all that came before it is durable.
    /// </summary>
    void Append(PieceChange change);
}

/// <summary>A change of what a voter keeps.</summary>
/// <param name="Span">The keys.</param>
/// <param name="Piece">What is kept of them now; null for nothing.</param>
/// <param name="Floor">
/// The highest ballot that was promised for keys of which nothing is kept any more.
/// </param>
internal readonly record struct PieceChange(KeySpan Span, Piece? Piece, Ballot Floor);

/// <summary>
/// A voter: promises, stands and adopts as coordinators ask, and never takes back what it said. It decides;
/// the registers themselves are its host's, who asks <see cref="Admit"/> before it stores one.
/// </summary>
/// <remarks>
/// Viewstamped Replication (Liskov and Cowling, 2012) over registers in the place of a log: <see
/// cref="Piece.Standing"/> is its "latest normal view". Views follow one another by one decision of Paxos for
/// each epoch.
/// </remarks>
internal sealed class Acceptor
{
    private readonly PieceMap _map = new();
    private readonly IPieceJournal _journal;
    private readonly GrantedLeases _leases;

    /// <summary>Starts a voter with what its journal holds.</summary>
    /// <param name="now">A clock that goes on while the machine sleeps, like all times here.</param>
    /// <param name="self">The node and its store.</param>
    /// <param name="journal">Where changes go.</param>
    /// <param name="kept">The changes until now, in order.</param>
    public Acceptor(TimeSpan now, Voter self, IPieceJournal journal, IEnumerable<PieceChange> kept)
    {
        Self = self;
        _journal = journal;
        _leases = new GrantedLeases(now);
        foreach (PieceChange change in kept)
        {
            _map.TrySet(change.Span, change.Piece);
            Floor = change.Floor;
        }
    }

    /// <summary>The node and its store.</summary>
    public Voter Self { get; }

    /// <summary>
    /// The highest ballot that was promised for keys of which nothing is kept any more: what comes late from
    /// before cannot make a piece again.
    /// </summary>
    public Ballot Floor { get; private set; }

    /// <summary>What is kept of a key.</summary>
    public Piece? Find(Key key) => _map.Find(key);

    /// <summary>What is kept of the keys of a span.</summary>
    public IEnumerable<PieceVote> Within(KeySpan span)
    {
        foreach ((KeySpan part, Piece? piece) in _map.Within(span))
        {
            if (piece is not null)
            {
                yield return new PieceVote(part, piece);
            }
        }
    }

    /// <summary>Founds a lineage, with this voter alone, where nothing is kept.</summary>
    /// <exception cref="InvalidOperationException">Something is.</exception>
    public void Found(KeySpan span, Lineage lineage)
    {
        if (Within(span).Any())
        {
            throw new InvalidOperationException("A lineage is founded only where there is none.");
        }

        var ballot = new Ballot(Floor.Counter + 1, Self);
        Set(span, new Piece(new View(lineage, 1, [Self]), ballot, ballot, 1, null));
    }

    /// <summary>
    /// Takes a request. Stores are decided by <see cref="Admit"/> and answered by the host.
    /// </summary>
    public VoterReply Handle(TimeSpan now, VoterRequest request) => request switch
    {
        Prepare prepare => Promise(now, prepare),
        Stand stand => Change(stand, piece => StandingWith(piece, stand)),
        Adopt adopt => Accept(adopt),
        Decide decide => Learn(decide),
        Confirm confirm => Grant(now, confirm, confirm.Terms),
        Resign resign => End(resign),
        _ => throw new ArgumentException($"A voter takes no {request.GetType().Name} here.", nameof(request)),
    };

    /// <summary>
    /// Whether a register is to be stored. The state of another coordinator is replaced by the one that is
    /// promised, also by older versions or nothing; its own writes only by its later ones, so that what comes
    /// twice or late changes nothing.
    /// </summary>
    /// <param name="held">What is held, or on its way to the disk.</param>
    /// <param name="store">What is to be stored.</param>
    public VoterVerdict Admit(HeldRegister held, StoreRegister store)
    {
        if (!IsPromised(store.Span, store.Ballot))
        {
            return Refuse(store).Verdict;
        }

        bool replaces = held.Version.Ballot == store.Ballot
            ? store.Version > held.Version || (held.IsDamaged && store.Version == held.Version)
            : store.Version.Ballot == store.Ballot || _map.Find(store.Key)!.Standing < store.Ballot;
        return replaces ? VoterVerdict.Done : held.IsDamaged ? VoterVerdict.Damaged : VoterVerdict.Kept;
    }

    /// <summary>The answer to a store, once what was to be written is durable.</summary>
    public VoterReply Answer(TimeSpan now, StoreRegister store, VoterVerdict admission) => admission switch
    {
        VoterVerdict.Done or VoterVerdict.Kept => Grant(now, store, store.Terms),
        VoterVerdict.Damaged => Reply(store, VoterVerdict.Damaged),
        _ => Refuse(store),
    };

    /// <summary>
    /// Whether what is held of a span may be listed for a coordinator: it has the promise of all of it, so
    /// that nobody else changes it meanwhile.
    /// </summary>
    public bool IsPromised(KeySpan span, Ballot ballot) =>
        _map.Within(span).All(part => part.Piece?.Promised == ballot);

    /// <summary>
    /// Forgets pieces in which this node has no part any more: a view is decided that it is not of, later
    /// than the one in which it stood last. False, and nothing is forgotten, where that is not so.
    /// </summary>
    public bool TryDrop(KeySpan span)
    {
        if (Within(span).Any(vote => HasPartIn(vote.Piece)))
        {
            return false;
        }

        foreach (PieceVote vote in Within(span))
        {
            Floor = Ballot.Max(Floor, vote.Piece.Promised);
        }

        return Set(span, null);
    }

    private bool HasPartIn(Piece piece) =>
        piece.View.Contains(Self) || piece.View.Epoch <= piece.StandingEpoch;

    private static Piece StandingWith(Piece piece, Stand stand)
    {
        Piece known = piece.Knowing(stand.View);
        return known with { Standing = stand.Ballot, StandingEpoch = known.View.Epoch };
    }

    private VoterReply Promise(TimeSpan now, Prepare prepare)
    {
        VoterVerdict verdict = VoterVerdict.Done;
        foreach ((KeySpan span, Piece? piece) in _map.Within(prepare.Span).ToList())
        {
            Piece? promised = piece is null ? Invited(prepare) : piece with { Promised = prepare.Ballot };
            VoterVerdict part = piece switch
            {
                null when promised is null => VoterVerdict.NoPiece,
                null => VoterVerdict.Done,
                _ when piece.View.Lineage != prepare.Lineage || piece.Promised > prepare.Ballot =>
                    VoterVerdict.Outvoted,
                _ when IsLeased(now, span, piece, prepare.Ballot) => VoterVerdict.Leased,
                _ => VoterVerdict.Done,
            };
            if (part == VoterVerdict.Done && !Set(span, promised))
            {
                part = VoterVerdict.Full;
            }

            verdict = part == VoterVerdict.Done ? verdict : part;
        }

        return Reply(prepare, verdict) with { Votes = [.. Within(prepare.Span)] };
    }

    // Whom a voter promised is the only one who may have a lease; it ends one service before it begins
    // another.
    private bool IsLeased(TimeSpan now, KeySpan span, Piece piece, Ballot ballot) =>
        piece.Promised.Proposer != ballot.Proposer && (_leases.IsQuiet(now) || _leases.IsRunning(now, span));

    // A newcomer's piece, which has no vote before it stands. Not by a ballot from before it dropped the
    // piece.
    private Piece? Invited(Prepare prepare) => prepare.Invitation is { } view && prepare.Ballot > Floor
        ? new Piece(view, prepare.Ballot, Ballot.None, 0, null)
        : null;

    private VoterReply Change(VoterRequest request, Func<Piece, Piece> change)
    {
        if (!IsPromised(request.Span, request.Ballot))
        {
            return Refuse(request);
        }

        bool isDone = true;
        foreach (PieceVote vote in Within(request.Span).ToList())
        {
            isDone &= Set(vote.Span, change(vote.Piece));
        }

        return Reply(request, isDone ? VoterVerdict.Done : VoterVerdict.Full);
    }

    private VoterReply Accept(Adopt adopt) =>
        Within(adopt.Span).All(vote => vote.Piece.View.Epoch <= adopt.View.Epoch)
            ? Change(
                adopt,
                piece => piece.Knowing(adopt.View) with { Next = new NextView(adopt.Ballot, adopt.Next) })
            : Refuse(adopt);

    private VoterReply Learn(Decide decide)
    {
        foreach (PieceVote vote in Within(decide.Span).ToList())
        {
            Piece piece = vote.Piece.Knowing(decide.View);
            Set(vote.Span, piece.View.Lineage == vote.Piece.View.Lineage ? piece : Crossing(piece, decide));
        }

        bool knows = _map.Within(decide.Span).All(part => part.Piece?.View is { } view
            && view.Lineage == decide.View.Lineage && view.Epoch >= decide.View.Epoch);
        return Reply(decide, knows ? VoterVerdict.Done : VoterVerdict.NoPiece);
    }

    // Whoever coordinated the lineage that has ended serves no more: its ballot is promised no more. What was
    // held of it makes no vote in the other one, unless this voter is one of those who were left.
    private Piece Crossing(Piece piece, Decide decide) => piece with
    {
        Promised = decide.Ballot >= piece.Promised
            ? decide.Ballot
            : new Ballot(piece.Promised.Counter + 1, Self),
        Standing = piece.View.Contains(Self) ? piece.Standing : Ballot.None,
    };

    private VoterReply Grant(TimeSpan now, VoterRequest request, LeaseTerms terms)
    {
        if (!IsPromised(request.Span, request.Ballot))
        {
            return Refuse(request);
        }

        bool isAll = terms.Length > TimeSpan.Zero && IsPromised(terms.Span, request.Ballot);
        return Reply(request, VoterVerdict.Done) with
        {
            Lease = isAll ? _leases.Grant(now, terms.Span, request.Ballot, terms.Length) : TimeSpan.Zero,
        };
    }

    private VoterReply End(Resign resign)
    {
        _leases.End(resign.Span, resign.Ballot);
        return Reply(resign, VoterVerdict.Done);
    }

    private VoterReply Refuse(VoterRequest request) => Reply(
        request,
        _map.Within(request.Span).Any(part => part.Piece is null)
            ? VoterVerdict.NoPiece
            : VoterVerdict.Outvoted);

    private VoterReply Reply(VoterRequest request, VoterVerdict verdict) => new(Self, request, verdict)
    {
        Promised = Within(request.Span).Select(vote => vote.Piece.Promised).Append(Ballot.None).Max(),
    };

    private bool Set(KeySpan span, Piece? piece)
    {
        if (_map.Within(span).All(part => Equals(part.Piece, piece)))
        {
            return true;
        }

        bool isSet = _map.TrySet(span, piece);
        if (isSet)
        {
            _journal.Append(new PieceChange(span, piece, Floor));
        }

        return isSet;
    }
}
