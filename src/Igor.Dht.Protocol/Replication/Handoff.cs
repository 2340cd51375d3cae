using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// Gets rid of records that this node is no replica of any more, without ever being the one who loses them:
/// asks the neighbour that should be the root of one of them for its arc, gives it all it lacks there, and
/// drops the local copies only when nothing had to be given and the root says that all replicas have what it
/// has. Replicas take messages from neighbours only: what belongs to a root farther away is put, like any
/// client's write, one record after the other, and dropped when as many as it asks for hold it.
/// </summary>
internal sealed class Handoff(ReplicaContext context, Key key, Func<Holding, bool> isOurs)
    : IReplyHandler, IReadHandler, ISyncOwner
{
    /// <summary>Records dropped at once, at most; the rest is for the next sweep.</summary>
    private const int DroppedMax = 4096;

    /// <summary>Records put to roots far away, at most; the rest is for the next sweep.</summary>
    private const int PutMax = 256;

    private const int DescribeTag = 0;
    private const int PutTag = 1;

    private static readonly TimeSpan DescribeTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PutTimeout = TimeSpan.FromSeconds(5);

    private readonly List<Holding> _dropping = [];
    private readonly Queue<Holding> _putting = [];
    private SyncSession? _session;
    private Arc _arc;
    private Key _root;

    /// <summary>Whether it has ended, well or not.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Asks the neighbour nearest to the record.</summary>
    public void Start()
    {
        Span<Key> nearest = stackalloc Key[1];
        context.Membership.Alive.Nearest(key, nearest);
        _root = nearest[0];
        if (_root == context.Membership.Self)
        {
            IsOver = true;
        }
        else
        {
            Describe();
        }
    }

    /// <summary>Ends without a further effect.</summary>
    public void Abandon()
    {
        IsOver = true;
        _session?.Abandon();
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        if (IsOver)
        {
            return;
        }

        if (reply.Status != KbrStatus.Ok)
        {
            IsOver = true;
        }
        else if (tag == PutTag)
        {
            HandlePut(reply.Payload);
        }
        else
        {
            HandleDescribed(reply.Payload);
        }
    }

    /// <inheritdoc/>
    public void HandleSyncEnd(SyncSession session, bool isGood)
    {
        if (isGood && session.Pushed == 0)
        {
            Describe();
        }
        else
        {
            IsOver = true;
        }
    }

    /// <inheritdoc/>
    public void HandleRead(int tag, Record? record)
    {
        if (IsOver)
        {
            return;
        }

        if (record is null)
        {
            _putting.Dequeue();
            PutNext();
            return;
        }

        new PutMessage(AckLevel.All, PutTimeout * 0.75, record.Encoded, CopiesMin: 0, FormerNames: [])
            .Write(context.Buffer);
        context.Request(this, PutTag, record.Header.Key, exact: false, PutTimeout);
    }

    private void Describe()
    {
        SyncMessages.WriteDescribe(context.Buffer, key);
        context.Request(this, DescribeTag, _root, exact: true, DescribeTimeout);
    }

    /// <summary>
    /// The neighbour tells its arc; or nothing, as one that is busy; or that it is not the root.
    /// </summary>
    private void HandleDescribed(ReadOnlyMemory<byte> payload)
    {
        bool isRoot = Decoding.TryRead(
            payload,
            MessageKind.Described,
            SyncMessages.ReadDescribed,
            out (Arc Arc, bool IsReplicated) root);
        if (isRoot && _session is null)
        {
            Push(root.Arc);
        }
        else if (_session is null && Decoding.TryReadKind(payload, out MessageKind kind, out _)
            && kind == MessageKind.NotRoot)
        {
            PutAll();
        }
        else
        {
            IsOver = true;
            if (isRoot && root.IsReplicated && root.Arc == _arc)
            {
                _dropping.ForEach(h => context.Remove(h.Key, h.Version));
            }
        }
    }

    private void Push(Arc arc)
    {
        _arc = arc;
        var held = new List<Holding>();
        foreach (KeySpan span in KeySpan.Of(arc))
        {
            context.Index.List(span, 0, 0, DroppedMax, held);
        }

        _dropping.AddRange(held.Where(h => !isOurs(h)));
        _session = new SyncSession(
            context, this, _root, [new SyncRange(arc, Replicas: 0, Pushes: true, Pulls: false)]);
        _session.Start();
    }

    private void PutAll()
    {
        var held = new List<Holding>();
        context.Index.List(new KeySpan(key, Key.Max), 0, context.Now.UnixMs, PutMax, held);
        foreach (Holding holding in held.Where(h => !isOurs(h)))
        {
            _putting.Enqueue(holding);
        }

        PutNext();
    }

    private void PutNext()
    {
        if (_putting.TryPeek(out Holding next))
        {
            context.Read(this, PutTag, next.Key);
        }
        else
        {
            IsOver = true;
        }
    }

    private void HandlePut(ReadOnlyMemory<byte> payload)
    {
        Holding holding = _putting.Dequeue();
        if (IsHeldElsewhere(payload) && !isOurs(holding))
        {
            context.Remove(holding.Key, holding.Version);
        }

        PutNext();
    }

    /// <summary>
    /// Whether all replicas hold a record that was put; or its root a newer one, which it replicates itself.
    /// </summary>
    private static bool IsHeldElsewhere(ReadOnlyMemory<byte> payload) =>
        Decoding.TryReadKind(payload, out MessageKind kind, out _)
        && kind is MessageKind.PutDone or MessageKind.Conflict;
}
