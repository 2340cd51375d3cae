using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Simulation.Checks;
using Igor.Simulation.Network;

namespace Igor.Simulation.Histories;

/// <summary>
/// Makes the calls of a plan, each client one after the other, and notes how they end for who made them.
/// </summary>
internal sealed class CallDriver(HistoryWorld world, Transcript transcript)
{
    private static readonly TimeSpan s_heardWithin = TimeSpan.FromSeconds(2);
    private readonly RegisterCaller _registers = new(world);
    private readonly ValueCaller _values = new(world, world.Plan.HasRightClocks);
    private bool _isOver;

    /// <summary>Calls under way.</summary>
    public int Open { get; private set; }

    public RegisterHistory Registers => _registers.History;

    public ValueHistory Values => _values.History;

    /// <summary>Clients call from now on, as planned.</summary>
    public void Begin()
    {
        foreach (IGrouping<int, PlannedCall> client in world.Plan.Calls.GroupBy(call => call.Client))
        {
            Next(new Queue<PlannedCall>(client.OrderBy(call => call.At)));
        }
    }

    /// <summary>No further calls of the plan begin.</summary>
    public void End() => _isOver = true;

    /// <summary>Makes a call now.</summary>
    /// <param name="call">Which.</param>
    /// <param name="ended">
    /// Told whether it ended well: done, and not marked. Not told when its node dies before it is sent.
    /// </param>
    public void Make(PlannedCall call, Action<bool> ended)
    {
        PlannedKey key = world.Plan.Keys[call.Key];
        SimulatedNode via = world.Network.Nodes[call.Via % world.Network.Nodes.Count];
        if (!via.IsRunning)
        {
            world.Network.Engine.After(TimeSpan.FromMilliseconds(100), () => ended(false));
            return;
        }

        bool hasEnded = false;
        Open++;
        Action<OperationResult?> note =
            key.IsRegister ? _registers.Begin(key, call) : _values.Begin(key, call);
        TimeSpan calledAt = world.Network.Now;

        void End(OperationResult? result)
        {
            if (!hasEnded)
            {
                hasEnded = true;
                Open--;
                note(result);
                transcript.Note(() => CallText.Of(call, key, calledAt, result));
                ended(IsWell(result));
            }
        }

        if (key.IsRegister)
        {
            world.DhtOf(via).Call(_registers.Request(key, call), End);
        }
        else if (ValueCaller.IsRead(call))
        {
            world.DhtOf(via).Get(ValueCaller.Get(key, call), End);
        }
        else
        {
            world.DhtOf(via).Put(ValueCaller.Put(key, call), End);
        }

        world.Network.Engine.After(call.Timeout + s_heardWithin, () => End(null)); // its node died, or stalls
    }

    /// <summary>Whether a call was done, and its end is not marked.</summary>
    public static bool IsWell(OperationResult? result) =>
        result is { Failure: null } and not { Receipt.IsDegraded: true }
        && result.Got is not { IsDegraded: true } and not { Outcome: GetOutcome.Unreachable };

    private void Next(Queue<PlannedCall> calls)
    {
        if (calls.TryDequeue(out PlannedCall? call))
        {
            TimeSpan at = world.Start + call.At;
            TimeSpan delay = at > world.Network.Now ? at - world.Network.Now : TimeSpan.Zero;
            world.Network.Engine.After(delay, () =>
            {
                if (!_isOver)
                {
                    Make(call, _ => Next(calls));
                }
            });
        }
    }
}
