using System.Diagnostics.CodeAnalysis;

namespace Igor.Node.Scheduling;

/// <summary>Whose work it is: what comes first where there is too much.</summary>
internal enum WorkClass
{
    /// <summary>The node's own: timers, links that come and go. Little, and before all else.</summary>
    Node,

    /// <summary>That of ring members and of applications on this host.</summary>
    Member,

    /// <summary>That of strangers: a ninth of the time while members want the rest.</summary>
    Stranger,
}

/// <summary>
/// Work by its source, so that one that asks for much delays itself and not the others: sources take turns,
/// each for a quantum of what its work has cost, and classes share as <see cref="WorkClass"/> says. What work
/// costs is known after it ran; who took more than its turn is passed over until that is made up for.
/// (Deficit round robin, Shreedhar and Varghese, SIGCOMM'95, charged afterwards.) Not thread-safe.
/// </summary>
/// <typeparam name="T">A piece of work.</typeparam>
/// <param name="quantum">Cost that a source may cause in its turn.</param>
internal sealed class FairQueue<T>(long quantum)
{
    /// <summary>Members' share against that of strangers.</summary>
    private const int MemberWeight = 8;

    /// <summary>Turns for which a source pays at most, so that one expensive piece is no ban.</summary>
    private const int DebtTurnsMax = 32;

    private readonly Queue<T> _own = new();
    private readonly LinkedList<Source> _members = new();
    private readonly LinkedList<Source> _strangers = new();
    private long _memberTime;
    private long _strangerTime;

    /// <summary>Pieces of work that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a piece of work of the node itself.</summary>
    public void Enqueue(T item)
    {
        _own.Enqueue(item);
        Count++;
    }

    /// <summary>Adds a piece of work of a source; those of one source keep their order.</summary>
    public void Enqueue(Source source, T item)
    {
        source.Items.Enqueue(item);
        Count++;
        if (source.Items.Count > 1)
        {
            return; // it has its turn already
        }

        LinkedList<Source> turns = source.Class == WorkClass.Stranger ? _strangers : _members;
        if (turns.Count == 0)
        {
            // A class that wanted nothing has saved nothing up.
            _memberTime = Math.Max(_memberTime, turns == _members ? _strangerTime : 0);
            _strangerTime = Math.Max(_strangerTime, turns == _strangers ? _memberTime : 0);
        }

        source.IsStranger = turns == _strangers;
        turns.AddLast(source.Turn);
    }

    /// <summary>Takes the piece whose turn it is, and its source; null for the node itself.</summary>
    public bool TryDequeue([MaybeNullWhen(false)] out T item, out Source? source)
    {
        source = null;
        if (_own.TryDequeue(out item))
        {
            Count--;
            return true;
        }

        bool isStrangersTurn = _members.Count == 0 || (_strangers.Count > 0 && _strangerTime < _memberTime);
        source = Next(isStrangersTurn ? _strangers : _members);
        if (source is null)
        {
            return false;
        }

        item = source.Items.Dequeue();
        Count--;
        if (source.Items.Count == 0)
        {
            source.Turn.List!.Remove(source.Turn);
        }

        return true;
    }

    /// <summary>Says what the piece that was taken last of a source has cost.</summary>
    public void Charge(Source source, long cost)
    {
        source.Credit = Math.Max(source.Credit - cost, -quantum * DebtTurnsMax);
        _memberTime += source.IsStranger ? 0 : cost / MemberWeight;
        _strangerTime += source.IsStranger ? cost : 0;
    }

    private Source? Next(LinkedList<Source> turns)
    {
        while (turns.First is { } turn)
        {
            Source source = turn.Value;
            if (turns.Count == 1)
            {
                source.Credit = Math.Max(source.Credit, quantum); // it takes nothing from anybody
            }

            if (source.Credit > 0)
            {
                return source;
            }

            source.Credit += quantum;
            turns.RemoveFirst();
            turns.AddLast(turn);
        }

        return null;
    }

    /// <summary>Where work comes from: a link, or an application.</summary>
    public sealed class Source
    {
        private int _class;

        /// <summary>Makes a source that has caused nothing yet.</summary>
        public Source(WorkClass workClass)
        {
            _class = (int)workClass;
            Turn = new LinkedListNode<Source>(this);
        }

        /// <summary>Its class from its next piece on. May be set by any thread.</summary>
        public WorkClass Class
        {
            get => (WorkClass)Volatile.Read(ref _class);
            set => Volatile.Write(ref _class, (int)value);
        }

        /// <summary>Pieces of its work that wait.</summary>
        public Queue<T> Items { get; } = new();

        /// <summary>Its place among those that take turns.</summary>
        public LinkedListNode<Source> Turn { get; }

        /// <summary>What it may still cause in its turn.</summary>
        public long Credit { get; set; }

        /// <summary>Whether its present work is counted as that of a stranger.</summary>
        public bool IsStranger { get; set; }
    }
}
