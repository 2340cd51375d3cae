using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Simulation.Checks;

namespace Igor.Simulation.Histories;

/// <summary>Calls on registers, and what their clients saw.</summary>
internal sealed class RegisterCaller(ICallClock clock)
{
    private readonly Dictionary<(int Client, int Key), (RegisterStamp? Stamp, long? Value)> _seen = [];

    public RegisterHistory History { get; } = new();

    /// <summary>What is sent for a call, by what its client saw last.</summary>
    public DhtRegisterCall Request(PlannedKey key, PlannedCall call) => new()
    {
        Key = key.Key,
        Verb = call.Verb switch
        {
            CallVerb.Get => RegisterVerb.Get,
            CallVerb.Delete => RegisterVerb.Delete,
            _ => RegisterVerb.Put,
        },
        Value = call.Verb is CallVerb.Get or CallVerb.Delete ? default : CallValue.Of(call.Number),
        Precondition = !IsSwap(call) ? RegisterPrecondition.None
            : Seen(call).Stamp is null ? RegisterPrecondition.Absent
            : RegisterPrecondition.Version,
        Expected = IsSwap(call) ? Seen(call).Stamp ?? default : default,
        Timeout = call.Timeout,
    };

    /// <summary>A call begins; returns who is to be told how it ended, null when nobody heard.</summary>
    public Action<OperationResult?> Begin(PlannedKey key, PlannedCall call)
    {
        var open = new RegisterCall
        {
            Kind = call.Verb == CallVerb.Get ? RegisterCallKind.Read
                : IsSwap(call) ? RegisterCallKind.CompareAndSwap
                : RegisterCallKind.Write,
            CalledAt = clock.Now,
            Written = call.Verb is CallVerb.Get or CallVerb.Delete ? null : call.Number,
            Expected = IsSwap(call) ? Seen(call).Value : null,
        };
        return result => Note(key, call, open, result);
    }

    private static bool IsSwap(PlannedCall call) =>
        call.Verb is CallVerb.PutIfAbsent or CallVerb.PutIfVersion;

    private (RegisterStamp? Stamp, long? Value) Seen(PlannedCall call) => call.Verb == CallVerb.PutIfVersion
        ? _seen.GetValueOrDefault((call.Client, call.Key))
        : default;

    private void Note(PlannedKey key, PlannedCall call, RegisterCall open, OperationResult? result)
    {
        if (result?.Register is { } ended)
        {
            bool isFound = ended.Outcome == RegisterOutcomeKind.Found;
            long? found = isFound ? CallValue.Read(ended.Value) : null;
            if (open.Kind == RegisterCallKind.Read)
            {
                _seen[(call.Client, call.Key)] = (isFound ? ended.Version : null, found);
            }

            History.Add(key.Key, open with
            {
                EndedAt = clock.Now,
                Found = found,
                IsSwapped = ended.Outcome == RegisterOutcomeKind.Written,
            });
        }
        else if (open.Kind != RegisterCallKind.Read && result?.Failure?.Error is null or DhtError.Unknown)
        {
            History.Add(key.Key, open);
        }
    }
}
