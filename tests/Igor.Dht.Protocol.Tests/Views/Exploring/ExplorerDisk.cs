using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using Igor.Simulation.Engine;

namespace Igor.Dht.Protocol.Tests.Views.Exploring;

/// <summary>What a node holds of a key, readable or not.</summary>
internal sealed record Cell(HeldRegister Held, Register? Register)
{
    public static Cell Of(Register register) => new(new HeldRegister(register.Version, false), register);
}

/// <summary>An entry of a node's log: a change of pieces, or of what is held of a key.</summary>
internal sealed record LogEntry(PieceChange? Piece, Key Key, Cell? Cell);

/// <summary>
/// A log that becomes durable from its beginning on, some time after it was written, and what waits for that.
/// A crash leaves some of what was not synced.
/// </summary>
internal sealed class ExplorerDisk(SimulationEngine engine, SimRandom random, bool skipsSync)
    : IPieceJournal
{
    private readonly Queue<(LogEntry? Entry, Action? Release)> _waiting = [];
    private bool _isSyncing;
    private int _life;

    /// <summary>What is durable.</summary>
    public List<LogEntry> Durable { get; } = [];

    public void Append(PieceChange change) => Write(new LogEntry(change, default, null));

    public void Append(Key key, Cell? cell) => Write(new LogEntry(null, key, cell));

    /// <summary>Does something once all that was written before is durable.</summary>
    public void AfterSync(Action release)
    {
        if (_waiting.Count == 0 || skipsSync)
        {
            release();
        }
        else
        {
            _waiting.Enqueue((null, release));
        }
    }

    /// <summary>The power fails: what waits is durable up to some entry; nobody hears of it.</summary>
    public void Crash()
    {
        LogEntry[] entries = [.. _waiting.Where(waiting => waiting.Entry is not null).Select(w => w.Entry!)];
        Durable.AddRange(entries[..random.NextInt(entries.Length + 1)]);
        _waiting.Clear();
        _isSyncing = false;
        _life++;
    }

    /// <summary>A copy of the disk from some time ago takes its place, or an empty one.</summary>
    public void GoBack(int entries) => Durable.RemoveRange(entries, Durable.Count - entries);

    /// <summary>What is held of a key can no longer be read, if it is durable.</summary>
    public bool TryDamage(Key key, Cell damaged)
    {
        if (_waiting.Any(waiting => waiting.Entry is { Piece: null } entry && entry.Key == key))
        {
            return false;
        }

        Durable.Add(new LogEntry(null, key, damaged));
        return true;
    }

    private void Write(LogEntry entry)
    {
        _waiting.Enqueue((entry, null));
        if (!_isSyncing)
        {
            _isSyncing = true;
            int life = _life;
            bool isSlow = skipsSync || random.NextDouble() < 0.03;
            double ms = isSlow ? random.Between(20, 400) : random.Between(0.2, 5);
            engine.After(TimeSpan.FromMilliseconds(ms), () => Sync(life));
        }
    }

    private void Sync(int life)
    {
        if (life != _life)
        {
            return;
        }

        _isSyncing = false;
        while (life == _life && _waiting.TryDequeue(out (LogEntry? Entry, Action? Release) next))
        {
            if (next.Entry is not null)
            {
                Durable.Add(next.Entry);
            }

            next.Release?.Invoke();
        }
    }
}
