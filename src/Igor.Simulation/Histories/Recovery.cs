using Igor.Simulation.Checks;
using Igor.Simulation.Engine;

namespace Igor.Simulation.Histories;

/// <summary>
/// Sees to it that all is served while there are no faults: a round of calls, to each key a write and reads
/// from two other nodes, of which all end well. They are part of the history like any others.
/// </summary>
internal sealed class Recovery(HistoryWorld world, CallDriver calls)
{
    /// <summary>All is served at the latest so long after the last fault.</summary>
    public static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    private const int FirstNumber = 1_000_000;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);
    private readonly SimRandom _random = world.Network.Engine.RandomFor("recovery");
    private int _number = FirstNumber;
    private PlannedCall? _failed;

    /// <summary>
    /// Runs until a round ended well, and says how long that took; a violation if too long.
    /// </summary>
    public TimeSpan Await(string when, ViolationLog log)
    {
        TimeSpan start = world.Network.Now;
        bool isOver = false;
        Round(() => isOver = true, () => isOver);
        if (!world.Network.RunUntil(() => isOver, Within))
        {
            isOver = true;
            PlannedKey? key = _failed is null ? null : world.Plan.Keys[_failed.Key];
            log.Add(
                "recovery",
                $"{Within.TotalSeconds} s {when} not all is served, last {_failed?.Verb} of {key} at node "
                + $"{_failed?.Via}");
        }

        return world.Network.Now - start;
    }

    private void Round(Action well, Func<bool> isOver)
    {
        int open = world.Plan.Keys.Length;
        bool isWell = true;
        for (int key = 0; key < world.Plan.Keys.Length; key++)
        {
            CallVerb read = world.Plan.Keys[key].IsRegister ? CallVerb.Get : CallVerb.GetByMajority;
            PlannedCall[] all = [Call(key, CallVerb.Put), Call(key, CallVerb.Get), Call(key, read)];
            Queue<PlannedCall> steps = new(all);
            Step(steps, isKeyWell =>
            {
                isWell &= isKeyWell;
                if (--open > 0)
                {
                    return;
                }

                if (isWell)
                {
                    well();
                }
                else if (!isOver())
                {
                    world.Network.Engine.After(s_pause, () => Round(well, isOver));
                }
            });
        }
    }

    private void Step(Queue<PlannedCall> steps, Action<bool> ended)
    {
        if (!steps.TryDequeue(out PlannedCall? call))
        {
            ended(true);
            return;
        }

        calls.Make(call, isWell =>
        {
            if (isWell)
            {
                Step(steps, ended);
            }
            else
            {
                _failed = call;
                ended(false);
            }
        });
    }

    private PlannedCall Call(int key, CallVerb verb) => new(
        _number++,
        TimeSpan.Zero,
        Client: -1 - key,
        Via: _random.NextInt(world.Network.Nodes.Count),
        key,
        verb,
        s_timeout);
}
