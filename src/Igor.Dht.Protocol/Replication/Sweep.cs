using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// Walks over all holdings, a piece at a time. Records that ended long ago are forgotten; records that belong
/// to others now are handed off, once the ring has been the same around this node for a while.
/// </summary>
internal sealed class Sweep(ReplicaContext context)
{
    /// <summary>Holdings looked at in one step: well under a millisecond.</summary>
    private const int StepCount = 1024;

    private static readonly TimeSpan StepPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RoundPause = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long an ended record that can hide no older version stays: longer than clocks differ, so that it
    /// does not go back and forth between replicas.
    /// </summary>
    private static readonly TimeSpan HarmlessRetention = TimeSpan.FromHours(1);

    private readonly ArcSet[] _ranges = ArcSet.OfEach(RecordCodec.ReplicasMax + 1);

    private readonly List<Holding> _step = new(StepCount);
    private readonly Demotion.Budget _demotions = new();
    private Handoff? _handoff;
    private Key _cursor;
    private TimeSpan _due;
    private TimeSpan _rangesSince;

    /// <summary>When the next step is due.</summary>
    public TimeSpan? NextDeadline => context.Membership.IsMember ? _due : null;

    /// <summary>The ring changed.</summary>
    public void HandleUpdate()
    {
        bool hasChanged = false;
        for (int replicas = 1; replicas <= RecordCodec.ReplicasMax; replicas++)
        {
            ArcSet held = context.Membership.Held(context.Membership.Self, replicas);
            hasChanged |= !held.Spans.SequenceEqual(_ranges[replicas].Spans);
            _ranges[replicas] = held;
        }

        if (hasChanged)
        {
            _rangesSince = context.Now.Monotonic;
            _handoff?.Abandon();
            _handoff = null;
        }
    }

    /// <summary>A deadline has passed: takes a step when it is due.</summary>
    public void HandleDeadline()
    {
        if (!context.Membership.IsMember || context.Now.Monotonic < _due)
        {
            return;
        }

        _step.Clear();
        bool isEnd = context.Index.List(new KeySpan(_cursor, Key.Max), 0, 0, StepCount, _step);
        foreach (Holding holding in _step)
        {
            Look(holding);
        }

        if (isEnd)
        {
            context.AgeReplicas();
        }

        _cursor = isEnd ? Key.Zero : _step[^1].Key + KeySpan.One;
        _due = context.Now.Monotonic + context.Random.Jitter(isEnd ? RoundPause : StepPause);
    }

    private void Look(in Holding holding)
    {
        long endedBefore = context.Now.UnixMs - (long)RetentionOf(holding).TotalMilliseconds;
        if (context.Ranks.IsMisdated(holding.Version) && _demotions.TryTake())
        {
            new Demotion(context, _demotions, holding).Start();
        }
        else if (context.Now.IsTrusted && holding.IsExpiredAt(endedBefore))
        {
            context.Remove(holding.Key, holding.Version);
        }
        else if (_handoff is not { IsOver: false } && !IsOurs(holding)
            && context.Now.Monotonic - _rangesSince >= context.Options.HandoffAfter)
        {
            _handoff = new Handoff(context, holding.Key, IsOurs);
            _handoff.Start();
        }
    }

    /// <summary>
    /// A tombstone has lived long enough when it ends; and of a type in which the newer version says the same
    /// as the older, nothing comes back that had been taken away.
    /// </summary>
    private TimeSpan RetentionOf(in Holding holding)
    {
        TimeSpan retention = context.Options.ExpiredRetention;
        bool canHide = !holding.IsTombstone
            && context.Options.Types.Find(holding.Type) is not { NewerConfirmsOlder: true };
        return canHide || retention < HarmlessRetention ? retention : HarmlessRetention;
    }

    private bool IsOurs(Holding holding) => _ranges[holding.Replicas].Contains(holding.Key);
}
