using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// How a member leaves without taking anything with it: first it gives the others what they lack of its arc,
/// and serves meanwhile; then it begins no further put, gives what puts brought since, and asks whether it
/// may go without being missed, which one member at a time may; and tells that all agree. When they do not
/// for a while, it goes all the same, and counts as one that failed and may come back.
/// </summary>
internal sealed class LeaveTaking(
    ReplicaContext context,
    RootKnowledge root,
    RepairSchedule repair,
    RootWriter writer,
    RootLeases leases)
{
    /// <summary>
    /// Most times that it asks: as long as it takes that others have the copies that became theirs when
    /// another member left just before.
    /// </summary>
    private const int AskedMax = 10;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly PeersAsked _peers = new(context, root);
    private Stage _stage;
    private TimeSpan _askAt;
    private int _asked;
    private long _putsBefore;

    private enum Stage
    {
        None,
        Giving,
        Closing,
        GivingRest,
        Asking,
        Pausing,
        Telling,
        Over,
    }

    /// <summary>When it asks again; null when it does not wait for that.</summary>
    public TimeSpan? NextDeadline => _stage == Stage.Pausing && writer.IsIdle ? _askAt : null;

    /// <summary>Whether the node had better end now: it begins no further put.</summary>
    public bool IsClosing => _stage > Stage.Giving;

    /// <summary>Whether the node can go.</summary>
    public bool IsOver => _stage == Stage.Over;

    /// <summary>The node is going to leave.</summary>
    public void Begin()
    {
        if (_stage == Stage.None)
        {
            _stage = Stage.Giving;
            _putsBefore = writer.IsIdle ? writer.Begun : -1; // one under way may come after what is given
            repair.BeginLeaving();
        }
    }

    /// <summary>After every input: goes on when there is nothing to wait for.</summary>
    public void EndInput()
    {
        if (_stage == Stage.Giving && !repair.IsOwing)
        {
            _stage = Stage.Closing;
        }

        if (_stage == Stage.Closing && writer.IsIdle)
        {
            _stage = Stage.GivingRest;
            if (writer.Begun > _putsBefore)
            {
                repair.BeginLeaving();
            }
        }

        if (_stage == Stage.GivingRest && !repair.IsOwing)
        {
            _stage = Stage.Pausing;
            _askAt = context.Now.Monotonic;
        }

        if (_stage == Stage.Pausing && writer.IsIdle && _askAt <= context.Now.Monotonic)
        {
            Ask();
        }
    }

    private void Ask()
    {
        _asked++;
        _stage = repair.HasRefused || root.Peers.Count == 0 ? Stage.Over : Stage.Asking;
        if (_stage == Stage.Asking)
        {
            _peers.Ask(() => CommonMessages.WriteLeaving(context.Buffer, isAgreed: false), HandleAnswered);
        }
    }

    private void HandleAnswered(int refused)
    {
        if (refused == 0)
        {
            leases.Release();
            _stage = Stage.Telling;
            _peers.Ask(() => CommonMessages.WriteLeaving(context.Buffer, isAgreed: true), _ => End());
        }
        else if (_asked < AskedMax)
        {
            _stage = Stage.Pausing;
            _askAt = context.Now.Monotonic + Pause;
        }
        else
        {
            End();
        }
    }

    private void End()
    {
        leases.Release();
        _stage = Stage.Over;
    }
}
