using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// Keeps, over restarts, since when and until when this node was in sync with the others. Who was away for
/// longer than tombstones live may hold what was deleted meanwhile, and nobody remembers that. Before it
/// gives anything it asks those who were there all the time, and drops what they have not, but for what is
/// younger than that. Where there are none of them, nothing is dropped: then all were away.
/// </summary>
internal sealed class Absence(ReplicaContext context, RootKnowledge root) : IReplyHandler
{
    private const string Note = "dht.seen";
    private const int StepCount = 128;
    private const int AskedMax = 20;
    private static readonly TimeSpan NotePeriod = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    /// <summary>How long a node waits for the time, by whose clock it was away for so long.</summary>
    private static readonly TimeSpan TrustPatience = TimeSpan.FromSeconds(60);

    private readonly HashSet<Key> _told = [];
    private readonly Queue<Key> _judges = new();
    private readonly List<KeyVersion> _batch = new(StepCount);
    private Stage _stage;
    private long _sinceUnixMs;
    private long _seenUnixMs;
    private TimeSpan _startedAt;
    private TimeSpan _due;
    private int _asked;
    private int _outstanding;
    private Key _cursor;

    private enum Stage
    {
        /// <summary>It is not known how long this node was away.</summary>
        Unknown,

        /// <summary>It was not away for long.</summary>
        Present,

        /// <summary>It asks who was there meanwhile.</summary>
        Asking,

        /// <summary>It asks those what they have.</summary>
        Comparing,
    }

    /// <summary>Whether this node must not give anything yet.</summary>
    public bool IsHeldBack => _stage != Stage.Present && !context.Membership.IsAlone
        && (_stage != Stage.Unknown || IsLong(Math.Abs(context.Now.UnixMs - _seenUnixMs)));

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline => context.Membership.IsMember && _outstanding == 0 ? _due : null;

    /// <summary>Takes up what was kept.</summary>
    public void Recall(Func<string, byte[]?> read)
    {
        _startedAt = context.Now.Monotonic;
        if (read(Note) is { Length: 2 * sizeof(long) } note)
        {
            _sinceUnixMs = BinaryPrimitives.ReadInt64BigEndian(note);
            _seenUnixMs = BinaryPrimitives.ReadInt64BigEndian(note.AsSpan(sizeof(long)));
        }

        _stage = _seenUnixMs == 0 ? Stage.Present : Stage.Unknown;
    }

    /// <summary>A deadline may have passed, or the ring has changed.</summary>
    public void HandleDeadline()
    {
        Judge();
        if (!context.Membership.IsMember || _outstanding > 0 || _due > context.Now.Monotonic)
        {
            return;
        }

        _due = context.Now.Monotonic + Pause;
        switch (_stage)
        {
            case Stage.Asking:
                Ask();
                break;
            case Stage.Comparing:
                Compare();
                break;
            case Stage.Present when context.Now.IsTrusted && root.IsSettled:
                Keep();
                break;
            default:
                break;
        }
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        _outstanding--;
        if (_stage == Stage.Asking)
        {
            if (reply.Status == KbrStatus.Ok && Decoding.TryRead(
                reply.Payload, MessageKind.MembersAre, CommonMessages.ReadMembersAre, out var members)
                && _told.Add(reply.Responder)
                && members.SinceUnixMs > 0 && members.SinceUnixMs <= _seenUnixMs)
            {
                _judges.Enqueue(reply.Responder);
            }
        }
        else if (reply.Status == KbrStatus.Ok && Decoding.TryRead(
            reply.Payload, MessageKind.Fetched, ReplicaMessages.ReadFetched, out var entries)
            && entries.Length == _batch.Count)
        {
            Drop(entries);
            _due = context.Now.Monotonic;
        }
        else
        {
            NextJudge();
        }
    }

    private long AheadMsMax => (long)context.Options.VersionAheadMax.TotalMilliseconds;

    private static bool IsLong(long ms) => ms > (long)ValueRecordType.TombstoneLife.TotalMilliseconds;

    private void Judge()
    {
        bool isLong = IsLong(context.Now.UnixMs - _seenUnixMs) && _seenUnixMs > 0;
        if (context.Now.IsTrusted && _stage is Stage.Unknown or Stage.Present)
        {
            _stage = isLong ? Stage.Asking : Stage.Present;
            _due = isLong ? context.Now.Monotonic : _due;
            context.InSyncSinceUnixMs = isLong ? 0 : _sinceUnixMs;
        }
        else if (_stage == Stage.Unknown && context.Now.Monotonic - _startedAt > TrustPatience)
        {
            _stage = Stage.Present;
        }
    }

    /// <summary>Asks those who have not told whether they were there.</summary>
    private void Ask()
    {
        foreach (Key member in context.Membership.Alive.Members)
        {
            if (member != context.Membership.Self && !_told.Contains(member) && _asked < AskedMax)
            {
                _outstanding++;
                CommonMessages.WriteMembers(context.Buffer);
                context.Request(this, 0, member, exact: true, Timeout);
            }
        }

        _asked++;
        if (_outstanding == 0)
        {
            _stage = Stage.Comparing;
            _due = context.Now.Monotonic;
        }
    }

    private void Compare()
    {
        if (!_judges.TryPeek(out Key judge))
        {
            End();
            return;
        }

        var step = new List<Holding>(StepCount);
        bool isEnd = context.Index.List(new KeySpan(_cursor, Key.Max), 0, 0, StepCount, step);
        _batch.Clear();
        foreach (Holding holding in step)
        {
            if (IsInDoubt(holding) && IsJudgedBy(judge, holding))
            {
                _batch.Add(new KeyVersion(holding.Key, holding.Version));
            }
        }

        _due = context.Now.Monotonic;
        if (isEnd)
        {
            NextJudge();
        }
        else
        {
            _cursor = step[^1].Key + KeySpan.One;
        }

        if (_batch.Count > 0)
        {
            _outstanding++;
            ReplicaMessages.WriteFetch(
                context.Buffer, isAsRoot: false, CollectionsMarshal.AsSpan(_batch));
            context.Request(this, 0, judge, exact: true, Timeout);
        }
    }

    /// <summary>
    /// What proves itself is in no doubt; nor is what is so young that its deletion would be remembered. What
    /// came since this node noted that it was in sync may have come before it went.
    /// </summary>
    private bool IsInDoubt(in Holding holding) =>
        context.Options.Types.Find(holding.Type) is not { NewerConfirmsOlder: true }
        && IsLong(context.Now.UnixMs + AheadMsMax - VersionTime.UnixMsOf(holding.Version));

    /// <summary>Whether a member is to hold a record, if this node is or is not.</summary>
    private bool IsJudgedBy(Key judge, in Holding holding)
    {
        Span<Key> near = stackalloc Key[RecordCodec.ReplicasMax + 1];
        int count = context.Membership.Alive.Nearest(holding.Key, near[..(holding.Replicas + 1)]);
        return near[..count].Contains(judge);
    }

    private void Drop(FetchedEntry[] entries)
    {
        for (int at = 0; at < entries.Length; at++)
        {
            if (entries[at] is { Status: FetchedStatus.None, HasVote: true })
            {
                context.Remove(_batch[at].Key, _batch[at].Version);
            }
        }
    }

    private void NextJudge()
    {
        _judges.TryDequeue(out _);
        _cursor = Key.Zero;
    }

    private void End()
    {
        _stage = Stage.Present;
        _told.Clear();
        _asked = 0;
        _sinceUnixMs = 0;
        _seenUnixMs = context.Now.UnixMs;
    }

    /// <summary>
    /// It is in sync now. Who is for the first time knows all that those know whom it heard.
    /// </summary>
    private void Keep()
    {
        _seenUnixMs = context.Now.UnixMs;
        if (_sinceUnixMs == 0)
        {
            _sinceUnixMs = _seenUnixMs;
            foreach (PeerKnowledge peer in root.Peers)
            {
                bool isEarlier = peer.InSyncSinceUnixMs > 0 && peer.InSyncSinceUnixMs < _sinceUnixMs;
                _sinceUnixMs = isEarlier ? peer.InSyncSinceUnixMs : _sinceUnixMs;
            }
        }

        context.InSyncSinceUnixMs = _sinceUnixMs;
        byte[] note = new byte[2 * sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(note, _sinceUnixMs);
        BinaryPrimitives.WriteInt64BigEndian(note.AsSpan(sizeof(long)), _seenUnixMs);
        context.Remember(Note, note);
        _due = context.Now.Monotonic + NotePeriod;
    }
}
