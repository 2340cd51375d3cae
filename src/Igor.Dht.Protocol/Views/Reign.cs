using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Views;

/// <summary>
/// The coordinator of a piece that was won: brings majorities of the voters to the state of the registers,
/// then serves operations, and changes the voters. It takes back nothing: outvoted once, it ends.
/// </summary>
/// <remarks>
/// Nothing is answered that is not on a majority of the view, and, from when a next one is proposed until it
/// is decided, of both: at each moment in between a takeover finds what was committed, whichever view it
/// finds. The own voter is always among those who acknowledge, so that what is held here is never older than
/// what is committed.
/// </remarks>
internal sealed class Reign
{
    private readonly WonPiece _won;
    private readonly Voter _self;
    private readonly ReignOptions _options;
    private readonly IReignOutput _output;
    private readonly SortedDictionary<Voter, ReignMember> _members = [];
    private readonly RegisterTurns _turns;
    private View? _wanted;
    private TimeSpan _confirmAt = TimeSpan.MinValue;
    private TimeSpan _lastRead = TimeSpan.MinValue;

    /// <summary>Begins with what was won.</summary>
    public Reign(DhtTime time, Voter self, WonPiece won, ReignOptions options, IReignOutput output)
    {
        _won = won;
        _self = self;
        _options = options;
        _output = output;
        View = won.Election.View;
        Next = won.Election.Next is { } next ? new NextView(won.Ballot, next.View) : null;
        foreach (Voter voter in Election.MembersOf(View, Next))
        {
            bool isPromised = won.Election.Promised.Contains(voter);
            _members.Add(voter, new ReignMember(voter) { IsPromised = isPromised });
        }

        _turns = new RegisterTurns(this, won.Ballot, output);
        NextDeadline = time.Monotonic + options.RetryInterval;
        output.Gather(won);
    }

    /// <summary>How far it is.</summary>
    public ReignPhase Phase { get; private set; }

    /// <summary>The keys.</summary>
    public KeySpan Span => _won.Span;

    /// <summary>The ballot.</summary>
    public Ballot Ballot => _won.Ballot;

    /// <summary>The latest decided view.</summary>
    public View View { get; private set; }

    /// <summary>The view that is proposed as the next, and may be decided.</summary>
    public NextView? Next { get; private set; }

    /// <summary>When <see cref="HandleDeadline"/> wants to be called.</summary>
    public TimeSpan NextDeadline { get; private set; }

    /// <summary>Newcomers that a change waits for.</summary>
    public IEnumerable<Voter> Awaited =>
        _wanted?.Voters.Where(voter => !View.Contains(voter) && !_members[voter].LacksNothing) ?? [];

    /// <summary>Whether writes are under way.</summary>
    public bool HasWrites => _turns.HasWrites;

    /// <summary>Whether it serves, and there is nothing that is to be repeated.</summary>
    public bool IsQuiet => Phase == ReignPhase.Serving && Next is null && _wanted is null && _turns.IsEmpty
        && _members.Values.All(member => member.LacksNothing && member.KnowsView);

    /// <summary>Members that are known to have promised.</summary>
    internal IEnumerable<ReignMember> Promised => _members.Values.Where(member => member.IsPromised);

    /// <summary>All members.</summary>
    internal IEnumerable<ReignMember> Members => _members.Values;

    /// <summary>Takes an operation of a client; it ends in <see cref="IReignOutput.Answer"/>.</summary>
    public void Submit(DhtTime time, RegisterOperation operation)
    {
        if (Phase != ReignPhase.Serving || operation.Key < Span.First || operation.Key > Span.Last)
        {
            _output.Answer(operation, RegisterAnswer.NotServed);
            return;
        }

        _turns.Add(time, operation);
    }

    /// <summary>What is held here was read: null for no register.</summary>
    public void HandleRead(DhtTime time, Key key, Register? held)
    {
        if (Phase == ReignPhase.Serving)
        {
            _turns.HandleRead(time, key, held);
        }
    }

    /// <summary>The own registers are the state of the piece, durably.</summary>
    public void HandleGathered(DhtTime time)
    {
        if (Phase == ReignPhase.Gathering)
        {
            _members[_self].IsInstalled = true;
            EnterPhase(ReignPhase.Installing);
            PursueAll(time.Monotonic);
        }
    }

    /// <summary>The state cannot be told from what was promised: somebody holds something damaged.</summary>
    public void HandleUnclear() => End();

    /// <summary>A member's registers were made the own ones, durably.</summary>
    public void HandleInstalled(DhtTime time, Voter voter)
    {
        if (Phase != ReignPhase.Ended && _members.TryGetValue(voter, out ReignMember? member))
        {
            member.IsInstalled = true;
            Pursue(time.Monotonic, member);
            Advance(time);
        }
    }

    /// <summary>A voter answered.</summary>
    public void HandleReply(DhtTime time, VoterReply reply)
    {
        KeySpan asked = reply.Request.Span;
        if (Phase == ReignPhase.Ended || reply.Request.Ballot != Ballot
            || asked.First < Span.First || asked.Last > Span.Last
            || !_members.TryGetValue(reply.From, out ReignMember? member))
        {
            return;
        }

        if (reply.Verdict == VoterVerdict.Outvoted)
        {
            End();
        }
        else if (reply.Verdict is VoterVerdict.Done or VoterVerdict.Kept)
        {
            Note(time.Monotonic, member, reply);
            Advance(time);
        }
    }

    /// <summary>Repeats what was not answered.</summary>
    public void HandleDeadline(DhtTime time)
    {
        if (Phase != ReignPhase.Ended && time.Monotonic >= NextDeadline)
        {
            PursueAll(time.Monotonic);
            Advance(time);
        }
    }

    /// <summary>
    /// Changes the voters. Newcomers learn first; the view is proposed once they, and a majority of it, lack
    /// nothing, and from then on cannot be taken back. False while another change is under way.
    /// </summary>
    public bool Change(DhtTime time, IEnumerable<Voter> voters) => Change(time, View.Successor(voters));

    /// <summary>The same for any view that follows the one that is served.</summary>
    public bool Change(DhtTime time, View next)
    {
        if (Phase != ReignPhase.Serving || Next is not null || _wanted is not null)
        {
            return false;
        }

        _wanted = next;
        foreach (Voter voter in _wanted.Voters)
        {
            if (!_members.ContainsKey(voter))
            {
                _members.Add(voter, new ReignMember(voter));
            }
        }

        PursueAll(time.Monotonic);
        Advance(time);
        return true;
    }

    /// <summary>Gives up a change that is not proposed yet.</summary>
    public void CancelChange()
    {
        if (_wanted is not null)
        {
            _wanted = null;
            RemoveOthers();
        }
    }

    /// <summary>Serves no more, and tells the voters that another may.</summary>
    public void Resign()
    {
        if (Phase != ReignPhase.Ended)
        {
            End();
            foreach (ReignMember member in _members.Values)
            {
                _output.Send(member.Id, new Resign(Span, Ballot));
            }
        }
    }

    /// <summary>
    /// Whether the leases of majorities run: then nobody else can have served since they were asked for. Asks
    /// for them, or for their renewal.
    /// </summary>
    internal bool HasLease(TimeSpan now)
    {
        _lastRead = now;
        bool isHeld = IsLeasedAt(now);
        bool isAsked = _confirmAt > now - _options.RetryInterval;
        if (!isAsked && (!isHeld || !IsLeasedAt(now + (_options.LeaseLength / 2))))
        {
            _confirmAt = now;
            foreach (ReignMember member in Promised)
            {
                _output.Send(member.Id, new Confirm(Ballot, Terms(now)));
            }
        }

        return isHeld;
    }

    /// <summary>The lease to ask for with a store: one, if there were reads lately.</summary>
    internal LeaseTerms Terms(TimeSpan now) => new(
        Span, _lastRead > now - (2 * _options.LeaseLength) ? _options.LeaseLength : TimeSpan.Zero, now);

    /// <summary>Whether what these acknowledged is committed.</summary>
    internal bool IsCommitted(IReadOnlySet<Voter> acknowledged) => acknowledged.Contains(_self)
        && HasMajorities(member => member.IsStanding && acknowledged.Contains(member.Id));

    private bool IsLeasedAt(TimeSpan time) =>
        HasMajorities(member => member.IsStanding && time < member.LeaseUntil);

    private bool HasMajorities(Func<ReignMember, bool> isAsAsked) => Election.HasMajorities(
        View, Next, voter => _members.TryGetValue(voter, out ReignMember? member) && isAsAsked(member));

    private void Note(TimeSpan now, ReignMember member, VoterReply reply)
    {
        switch (reply.Request)
        {
            case Prepare prepare when prepare.Span == Span:
                member.IsPromised = true;
                break;
            case Stand stand when stand.Span == Span:
                member.IsStanding = true;
                member.KnowsView |= stand.View.Epoch == View.Epoch;
                break;
            case StoreRegister store:
                member.Acknowledge(store.Key, store.Version);
                _turns.Acknowledge(member.Id, store);
                break;
            case Adopt adopt when adopt.Next == Next?.View:
                member.HasAdopted = true;
                break;
            case Decide decide when decide.View.Epoch == View.Epoch:
                member.KnowsView = true;
                break;
        }

        if (reply.Lease > TimeSpan.Zero)
        {
            LeaseTerms terms = (reply.Request as Confirm)?.Terms ?? ((StoreRegister)reply.Request).Terms;
            member.Lease(terms.SentAt, reply.Lease);
        }

        if (reply.Request is Prepare or Stand)
        {
            Pursue(now, member);
        }
    }

    // What follows from what is known by now.
    private void Advance(DhtTime time)
    {
        if (Phase == ReignPhase.Installing && _members[_self].IsStanding && HasMajorities(m => m.IsStanding))
        {
            EnterPhase(ReignPhase.Serving);
            PursueAll(time.Monotonic);
        }

        if (Phase != ReignPhase.Serving)
        {
            return;
        }

        _turns.Advance(time);

        // A majority of the next view has what was committed, so that no more is needed for what registers
        // are. All newcomers have: who never stood has no vote, and would be missing from the first day on.
        if (_wanted?.HasMajority(voter => _members[voter].LacksNothing) == true && !Awaited.Any())
        {
            Next = new NextView(Ballot, _wanted);
            _wanted = null;
            _output.Changed();
            PursueAll(time.Monotonic);
        }
        else if (Next is not null && View.HasMajority(voter => _members[voter].HasAdopted))
        {
            HandleDecided(time);
        }

        if (!View.Contains(_self) && !_turns.HasWrites
            && View.HasMajority(voter => _members[voter].KnowsView))
        {
            Resign();
        }
    }

    private void HandleDecided(DhtTime time)
    {
        View = Next!.View;
        Next = null;
        foreach (ReignMember member in _members.Values)
        {
            member.KnowsView = false;
            member.HasAdopted = false;
        }

        PursueAll(time.Monotonic);
        RemoveOthers();
        _output.Changed();
        Advance(time);
    }

    private void RemoveOthers()
    {
        foreach (Voter other in _members.Keys.Where(v => v != _self && !View.Contains(v)).ToList())
        {
            _members.Remove(other);
        }
    }

    private void PursueAll(TimeSpan now)
    {
        NextDeadline = now + _options.RetryInterval;
        foreach (ReignMember member in _members.Values)
        {
            Pursue(now, member);
        }
    }

    // The next step with a member; asked for again until it is done.
    private void Pursue(TimeSpan now, ReignMember member)
    {
        if (!member.IsPromised)
        {
            View? invitation = Phase == ReignPhase.Serving ? View : null;
            _output.Send(member.Id, new Prepare(Span, Ballot, View.Lineage, invitation));
            return;
        }

        if (Phase == ReignPhase.Gathering)
        {
            return;
        }

        if (!member.IsInstalled)
        {
            _output.Install(member.Id);
        }
        else if (!member.IsStanding)
        {
            _output.Send(member.Id, new Stand(Span, Ballot, View));
        }
        else if (Next is not null && Phase == ReignPhase.Serving && View.Contains(member.Id)
            && !member.HasAdopted)
        {
            _output.Send(member.Id, new Adopt(Span, Ballot, View, Next.View));
        }
        else if (!member.KnowsView)
        {
            _output.Send(member.Id, new Decide(Span, Ballot, View));
        }

        _turns.Repeat(now, member);
    }

    private void EnterPhase(ReignPhase phase)
    {
        Phase = phase;
        _output.Changed();
    }

    private void End()
    {
        EnterPhase(ReignPhase.Ended);
        _turns.End();
    }
}
