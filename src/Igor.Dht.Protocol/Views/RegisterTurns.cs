using System.Collections.Immutable;
using Igor.Dht.Protocol.Machines;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Views;

/// <summary>
/// Operations on registers, those of a key in turn: each sees what the one before it left, committed. A read
/// waits for the write before it, since who sees a value that is not committed may be the only one who ever
/// does; and whatever is answered without a majority's word about this very operation needs the lease.
/// </summary>
internal sealed class RegisterTurns(Reign reign, Ballot ballot, IReignOutput output)
{
    /// <summary>Operations that wait for one key: 64 take seconds at the speed of a slow disk.</summary>
    private const int WaitingMax = 64;

    private const int KeysMax = 4096;
    private const int ResentMax = 16;
    private readonly SortedDictionary<Key, Turn> _turns = [];
    private readonly OperationTable _table = new(ballot);
    private ulong _sequence;

    /// <summary>Whether writes are under way.</summary>
    public bool HasWrites => _turns.Values.Any(turn => turn.Write is not null);

    /// <summary>Whether nobody waits for anything.</summary>
    public bool IsEmpty => _turns.Count == 0;

    /// <summary>Puts an operation at the end of its key's line.</summary>
    public void Add(DhtTime time, RegisterOperation operation)
    {
        bool isNew = !_turns.TryGetValue(operation.Key, out Turn? turn);
        if ((isNew && _turns.Count >= KeysMax) || turn?.Waiting.Count >= WaitingMax)
        {
            output.Answer(operation, RegisterAnswer.NotServed);
            return;
        }

        turn ??= _turns[operation.Key] = new Turn();
        turn.Waiting.Enqueue(operation);
        if (isNew)
        {
            output.Read(operation.Key);
        }

        if (operation.IsRead)
        {
            reign.HasLease(time.Monotonic); // is asked for while the disk is read
        }
    }

    /// <summary>What is held here was read.</summary>
    public void HandleRead(DhtTime time, Key key, Register? held)
    {
        if (_turns.TryGetValue(key, out Turn? turn) && !turn.IsKnown)
        {
            turn.IsKnown = true;
            turn.Held = held;
            Serve(time, key, turn);
        }
    }

    /// <summary>A member holds what was sent.</summary>
    public void Acknowledge(Voter member, StoreRegister store)
    {
        if (_turns.TryGetValue(store.Key, out Turn? turn) && turn.Write is { } write
            && store.Version == write.Register.Version)
        {
            write.Acknowledged.Add(member);
        }
    }

    /// <summary>
    /// Ends the writes that are committed by now, and serves who waited for them, or for the lease.
    /// </summary>
    public void Advance(DhtTime time)
    {
        foreach ((Key key, Turn turn) in _turns.ToList())
        {
            if (turn.Write is { } write && reign.IsCommitted(write.Acknowledged))
            {
                foreach (ReignMember member in reign.Members.Where(m => !write.Acknowledged.Contains(m.Id)))
                {
                    member.Owe(key, write.Register.Version);
                }

                turn.Held = write.Register;
                turn.Write = null;
                End(time, turn, RegisterAnswer.Applied(write.Register.Version));
            }

            Serve(time, key, turn);
        }
    }

    /// <summary>Sends a member again what it did not acknowledge.</summary>
    public void Repeat(TimeSpan now, ReignMember member)
    {
        foreach ((Key key, Turn turn) in _turns)
        {
            if (turn.Write is { } write && !write.Acknowledged.Contains(member.Id))
            {
                Send(now, member, key, write);
            }
        }

        foreach (Key key in member.Owed.Take(ResentMax))
        {
            output.Resend(member.Id, key);
        }
    }

    /// <summary>Nothing is served any more: of a write under way nobody knows what becomes of it.</summary>
    public void End()
    {
        foreach (Turn turn in _turns.Values)
        {
            if (turn.Write is not null)
            {
                output.Answer(turn.Waiting.Dequeue(), RegisterAnswer.Unknown);
            }

            foreach (RegisterOperation waiting in turn.Waiting)
            {
                output.Answer(waiting, RegisterAnswer.NotServed);
            }
        }

        _turns.Clear();
    }

    // Serves a key's line up to a write, which has to be committed first, or to what needs a lease.
    private void Serve(DhtTime time, Key key, Turn turn)
    {
        while (turn.IsKnown && turn.Write is null && turn.Waiting.TryPeek(out RegisterOperation? next))
        {
            bool isMet = next.Condition?.IsMet(turn.Held) != false;
            if (!next.IsRead && _table.Judge(next, turn.Held) is { } known)
            {
                output.Answer(turn.Waiting.Dequeue(), known with { Reign = ballot });
            }
            else if (next.IsRead || !isMet)
            {
                if (!reign.HasLease(time.Monotonic))
                {
                    return;
                }

                Register? held = turn.Held;
                End(time, turn, next.IsRead ? RegisterAnswer.Read(held) : RegisterAnswer.NotMet(held));
            }
            else
            {
                Write(time, key, turn, next);
            }
        }

        if (turn.Waiting.Count == 0)
        {
            _turns.Remove(key);
        }
    }

    private void Write(DhtTime time, Key key, Turn turn, RegisterOperation operation)
    {
        var version = new RegisterVersion(ballot, ++_sequence);
        ImmutableArray<AppliedOperation> before = turn.Held?.Applied ?? [];
        turn.Write = new Store(new Register(
            version,
            operation.Value,
            operation.IsDelete,
            [.. before.TakeLast(Register.AppliedMax - 1), new(operation.Id, version, time.UnixMs)]));
        foreach (ReignMember member in reign.Promised)
        {
            Send(time.Monotonic, member, key, turn.Write);
        }
    }

    private void Send(TimeSpan now, ReignMember member, Key key, Store write) =>
        output.Send(member.Id, new StoreRegister(key, ballot, write.Register, reign.Terms(now)));

    private void End(DhtTime time, Turn turn, RegisterAnswer answer)
    {
        RegisterOperation ended = turn.Waiting.Dequeue();
        if (!ended.IsRead)
        {
            _table.Add(ended.Id, answer, time.UnixMs);
        }

        output.Answer(ended, answer with { Reign = ballot });
    }

    // The first that waits is the one whose write is under way.
    private sealed class Turn
    {
        public Queue<RegisterOperation> Waiting { get; } = [];

        public bool IsKnown { get; set; }

        public Register? Held { get; set; }

        public Store? Write { get; set; }
    }

    private sealed class Store(Register register)
    {
        public Register Register { get; } = register;

        public HashSet<Voter> Acknowledged { get; } = [];
    }
}
