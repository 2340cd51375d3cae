using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol;

/// <summary>
/// Gets rid of records that this node is no replica of any more, without ever being the one who loses them:
/// asks the root of one of them for its arc, gives the root all it lacks there, and drops the local copies
/// only when nothing had to be given and the root says that all replicas have what it has.
/// </summary>
internal sealed class Handoff(DhtContext context, Key key, Func<Holding, bool> isOurs)
    : IReplyHandler, ISyncOwner
{
    /// <summary>Records dropped at once, at most; the rest is for the next sweep.</summary>
    private const int DroppedMax = 4096;

    private static readonly TimeSpan DescribeTimeout = TimeSpan.FromSeconds(5);

    private readonly List<Holding> _dropping = [];
    private SyncSession? _session;
    private Arc _arc;
    private Key _root;

    /// <summary>Whether it has ended, well or not.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Asks the root.</summary>
    public void Start() => Describe();

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

        if (reply.Status != KbrStatus.Ok || Read(reply.Payload) is not { } described)
        {
            IsOver = true;
        }
        else if (_session is null)
        {
            Push(reply.Responder, described.Arc);
        }
        else
        {
            IsOver = true;
            if (described.IsReplicated && reply.Responder == _root && described.Arc == _arc)
            {
                _dropping.ForEach(h => context.Remove(h.Key, h.Version));
            }
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

    private void Describe()
    {
        SyncMessages.WriteDescribe(context.Buffer, key);
        context.Request(this, 0, key, exact: false, DescribeTimeout);
    }

    private void Push(Key root, Arc arc)
    {
        if (root == context.Membership.Self)
        {
            IsOver = true;
            return;
        }

        _root = root;
        _arc = arc;
        var held = new List<Holding>();
        foreach (KeySpan span in KeySpan.Of(arc))
        {
            context.Index.List(span, 0, 0, DroppedMax, held);
        }

        _dropping.AddRange(held.Where(h => !isOurs(h)));
        _session = new SyncSession(
            context, this, root, [new SyncRange(arc, Replicas: 0, Pushes: true, Pulls: false)]);
        _session.Start();
    }

    private static (Arc Arc, bool IsReplicated)? Read(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var reader = new MessagePackReader(payload);
            return CommonMessages.ReadKind(ref reader) == MessageKind.Described
                ? SyncMessages.ReadDescribed(ref reader)
                : null;
        }
        catch (Exception e) when (CommonMessages.IsMalformed(e))
        {
            return null;
        }
    }
}
