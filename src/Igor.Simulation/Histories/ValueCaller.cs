using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Simulation.Checks;

namespace Igor.Simulation.Histories;

/// <summary>Calls on records of type `value`, and what their clients saw.</summary>
internal sealed class ValueCaller(ICallClock clock, bool judgesLives)
{
    public ValueHistory History { get; } = new() { JudgesLives = judgesLives };

    public static bool IsRead(PlannedCall call) => call.Verb is CallVerb.Get or CallVerb.GetByMajority;

    public static DhtGet Get(PlannedKey key, PlannedCall call) => new()
    {
        Key = key.Key,
        Type = ValueRecordType.TypeName,
        Consistency = call.Verb == CallVerb.GetByMajority ? GetConsistency.Quorum : GetConsistency.Root,
        Timeout = call.Timeout,
    };

    public static DhtPut Put(PlannedKey key, PlannedCall call) => new()
    {
        Key = key.Key,
        Type = ValueRecordType.TypeName,
        Value = call.Verb == CallVerb.Delete ? default : CallValue.Of(call.Number),
        IsDelete = call.Verb == CallVerb.Delete,
        TimeToLive = LifeOf(call),
        Replicas = key.Replicas,
        Acks = call.Verb == CallVerb.PutAnywhere ? AckLevel.One : AckLevel.Quorum,
        CopiesMin = call.Verb == CallVerb.PutAnywhere ? 1 : 0,
        Timeout = call.Timeout,
    };

    /// <summary>A call begins; returns who is to be told how it ended, null when nobody heard.</summary>
    public Action<OperationResult?> Begin(PlannedKey key, PlannedCall call)
    {
        var open = new ValueCall
        {
            Kind = IsRead(call) ? ValueCallKind.Read
                : call.Verb == CallVerb.Delete ? ValueCallKind.Delete
                : ValueCallKind.Write,
            CalledAt = clock.Now,
            UnixMs = clock.UnixMs,
            Written = IsRead(call) || call.Verb == CallVerb.Delete ? null : call.Number,
            TimeToLive = LifeOf(call),
            IsByMajority = !IsRead(call) && call.Verb != CallVerb.PutAnywhere,
            By = $"client {call.Client} at node {call.Via}",
        };
        return result => Note(key, open, result);
    }

    private static TimeSpan? LifeOf(PlannedCall call) =>
        call.Verb == CallVerb.PutForSeconds ? call.Life : null;

    private void Note(PlannedKey key, ValueCall open, OperationResult? result)
    {
        if (result?.Got is { } got)
        {
            History.Add(key.Key, open with
            {
                EndedAt = clock.Now,
                UnixMs = clock.UnixMs,
                Outcome = got.Outcome,
                Version = got.Version,
                Found = got.Outcome == GetOutcome.Found ? CallValue.Read(got.Value) : null,
                IsMarked = got.IsDegraded,
            });
        }
        else if (open.Kind != ValueCallKind.Read)
        {
            // Whatever it says: an attempt may have been taken before another was refused.
            History.Add(key.Key, result?.Receipt is { } receipt
                ? open with
                {
                    EndedAt = clock.Now,
                    UnixMs = clock.UnixMs,
                    Version = receipt.Version,
                    IsMarked = receipt.IsDegraded,
                }
                : open);
        }
    }
}
