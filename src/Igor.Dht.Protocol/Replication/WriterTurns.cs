using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>A put that waits for its turn, until its writer asks again.</summary>
internal sealed record WaitingPut(
    DeliveryToken Token, PutMessage Message, Record Record, Lease Lease, TimeSpan Until);

/// <summary>
/// Lets those who write the same key take turns, in the order in which they came. One who is told that a
/// newer version is in place comes again with a newer one still: until it does, for a moment, nobody else is
/// let in, so that who is slow or whose clock is behind loses one turn and not all.
/// </summary>
internal sealed class WriterTurns
{
    /// <summary>How long a turn is kept: as long as most ways through a network take and back.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<Key, Turn> _turns = [];
    private readonly Queue<(Key Key, TimeSpan Until)> _kept = new();

    /// <summary>Number of puts that wait.</summary>
    public int Waiting { get; private set; }

    /// <summary>When the next turn that is kept is lost.</summary>
    public TimeSpan? NextDeadline => _kept.TryPeek(out var kept) ? kept.Until : null;

    /// <summary>Whether a put may begin at once; else it waits.</summary>
    public bool TryTake(WaitingPut put)
    {
        RecordHeader header = put.Record.Header;
        if (!_turns.TryGetValue(header.Key, out Turn? turn))
        {
            _turns[header.Key] = new Turn { IsTaken = true };
            return true;
        }

        if (!turn.IsTaken && turn.KeptFor == header.Version.Writer)
        {
            (turn.IsTaken, turn.KeptUntil) = (true, null);
            return true;
        }

        turn.Waiting.AddLast(put);
        Waiting++;
        return false;
    }

    /// <summary>A turn is over; returns who is next, and has begun its turn.</summary>
    public WaitingPut? End(RecordHeader header, bool isOutrun, TimeSpan now)
    {
        if (!_turns.TryGetValue(header.Key, out Turn? turn))
        {
            return null; // of a type whose writers need no turns
        }

        turn.IsTaken = false;
        if (isOutrun)
        {
            turn.KeptFor = header.Version.Writer;
            turn.KeptUntil = now + Patience;
            _kept.Enqueue((header.Key, turn.KeptUntil.Value));
            return null;
        }

        return Next(header.Key, turn);
    }

    /// <summary>Whether a turn was kept long enough, and who is next, if anyone waits.</summary>
    public bool Expire(TimeSpan now, out WaitingPut? next)
    {
        next = null;
        if (!_kept.TryPeek(out (Key Key, TimeSpan Until) kept) || kept.Until > now)
        {
            return false;
        }

        _kept.Dequeue();
        if (_turns.TryGetValue(kept.Key, out Turn? turn) && turn.KeptUntil == kept.Until)
        {
            turn.KeptUntil = null;
            next = Next(kept.Key, turn);
        }

        return true;
    }

    private WaitingPut? Next(Key key, Turn turn)
    {
        if (turn.Waiting.First is not { } first)
        {
            _turns.Remove(key);
            return null;
        }

        turn.Waiting.RemoveFirst();
        Waiting--;
        turn.IsTaken = true;
        return first.Value;
    }

    private sealed class Turn
    {
        public LinkedList<WaitingPut> Waiting { get; } = new();

        /// <summary>Whether a put is under way.</summary>
        public bool IsTaken { get; set; }

        /// <summary>For whom the turn is kept.</summary>
        public ulong KeptFor { get; set; }

        /// <summary>Until when; null when it is kept for nobody.</summary>
        public TimeSpan? KeptUntil { get; set; }
    }
}
