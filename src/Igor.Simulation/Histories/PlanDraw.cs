using System.Collections.Immutable;
using Igor.Simulation.Engine;

namespace Igor.Simulation.Histories;

/// <summary>Draws a plan from a seed.</summary>
internal static class PlanDraw
{
    public const int NodesMin = 5;
    public const int NodesMax = 12;

    private const int MonthsOnceIn = 40;
    private static readonly TimeSpan s_monthsCalls = TimeSpan.FromSeconds(15);

    /// <summary>Copies of records, as likely.</summary>
    private static readonly int[] s_replicas = [5, 5, 5, 5, 5, 3, 3, 2, 1];

    private static readonly CallVerb[] s_ofRegisters =
    [
        CallVerb.Get, CallVerb.Get, CallVerb.Get, CallVerb.Get, CallVerb.Put, CallVerb.Put,
        CallVerb.PutIfVersion, CallVerb.PutIfVersion, CallVerb.PutIfVersion, CallVerb.PutIfAbsent,
        CallVerb.Delete,
    ];

    private static readonly CallVerb[] s_ofValues =
    [
        CallVerb.Get, CallVerb.Get, CallVerb.Get, CallVerb.GetByMajority, CallVerb.GetByMajority,
        CallVerb.Put, CallVerb.Put, CallVerb.Put, CallVerb.PutAnywhere, CallVerb.PutForSeconds,
        CallVerb.Delete,
    ];

    /// <summary>The plan of a seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="nodesMax">Most nodes that it may have.</param>
    public static HistoryPlan Draw(ulong seed, int nodesMax = NodesMax)
    {
        SimRandom random = new SimRandom(seed).For("plan");
        bool isMonths = random.NextInt(MonthsOnceIn) == 0;
        int range = Math.Max(1, Math.Min(nodesMax, NodesMax) - NodesMin + 1);
        int nodes = isMonths
            ? NodesMin
            : Math.Min(nodesMax, NodesMin + Math.Min(random.NextInt(range), random.NextInt(range)));
        TimeSpan length = isMonths
            ? FaultDriver.MonthsLength + (s_monthsCalls * 2)
            : TimeSpan.FromSeconds(15 + random.NextInt(20));
        ImmutableArray<PlannedKey> keys = DrawKeys(random, isMonths);
        var plan = new HistoryPlan
        {
            Seed = seed,
            Nodes = nodes,
            Keys = keys,
            Calls = [],
            Faults = [],
            Length = length,
            Loss = random.NextInt(3) == 0 ? random.Between(0.001, 0.05) : 0,
            Drift = random.NextInt(2) == 0 ? random.Between(0, 0.0095) : 0,
            ClockSkew = random.NextInt(2) == 0 ? TimeSpan.FromMilliseconds(random.Between(0, 1500)) : default,
        };
        plan = plan with
        {
            Faults = isMonths ? FaultDraw.Months(random, plan) : FaultDraw.Draw(random, plan),
        };
        return plan with { Calls = DrawCalls(random, plan, isMonths) };
    }

    /// <summary>The plan of a seed for hosts and processes.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="nodes">How many nodes there are.</param>
    /// <param name="length">From the first to the last fault.</param>
    /// <param name="lasting">Keys beside those of this plan alone.</param>
    public static HistoryPlan DrawForProcesses(
        ulong seed, int nodes, TimeSpan length, IEnumerable<PlannedKey> lasting)
    {
        SimRandom random = new SimRandom(seed).For("processes");
        var plan = new HistoryPlan
        {
            Seed = seed,
            Nodes = nodes,
            Keys = [.. DrawKeys(random, 3, 2), .. lasting],
            Calls = [],
            Faults = [],
            Length = length,
        };
        plan = plan with
        {
            Faults =
            [
                .. FaultDraw.Draw(random, plan, FaultDraw.OfProcesses)
                    .Concat(FaultDraw.Draw(random, plan, FaultDraw.OfProcesses))
                    .OrderBy(fault => fault.At),
            ],
        };
        return plan with { Calls = DrawCalls(random, plan, isMonths: false) };
    }

    private static ImmutableArray<PlannedKey> DrawKeys(SimRandom random, bool isMonths)
    {
        int kind = isMonths ? 0 : random.NextInt(3);
        int values = kind == 1 ? 0 : 1 + random.NextInt(3);
        int registers = kind == 0 ? 0 : 1 + random.NextInt(2);
        return DrawKeys(random, values, registers);
    }

    private static ImmutableArray<PlannedKey> DrawKeys(SimRandom random, int values, int registers)
    {
        int replicas = s_replicas[random.NextInt(s_replicas.Length)];
        string name = random.NextUInt64().ToString("x16", provider: null);
        return
        [
            .. Enumerable.Range(0, values).Select(at => new PlannedKey($"{name[..4]}-{at}", false, replicas)),
            .. Enumerable.Range(0, registers).Select(at => new PlannedKey($"{name[..4]}-{at}", true, 5)),
        ];
    }

    private static ImmutableArray<PlannedCall> DrawCalls(SimRandom random, HistoryPlan plan, bool isMonths)
    {
        int clients = 2 + random.NextInt(4);
        double thinkMs = 120 * Math.Pow(5, random.NextDouble());
        var calls = new List<PlannedCall>();
        for (int client = 0; client < clients; client++)
        {
            bool isRoaming = random.NextInt(3) == 0;
            int home = random.NextInt(plan.Nodes);
            var timeout = TimeSpan.FromMilliseconds(random.Between(1500, 6000));
            TimeSpan at = TimeSpan.Zero;
            while (true)
            {
                at += TimeSpan.FromMilliseconds(random.Exponential(thinkMs));
                if (at > plan.Length)
                {
                    break;
                }

                bool isBetween = isMonths && at > s_monthsCalls && at < plan.Length - s_monthsCalls;
                at = isBetween ? plan.Length - s_monthsCalls : at;
                int via = isRoaming ? random.NextInt(plan.Nodes) : home;
                int key = random.NextInt(plan.Keys.Length);
                CallVerb[] verbs = plan.Keys[key].IsRegister ? s_ofRegisters : s_ofValues;
                CallVerb verb = verbs[random.NextInt(verbs.Length)];
                verb = isMonths && verb == CallVerb.PutForSeconds ? CallVerb.Put : verb;
                calls.Add(new PlannedCall(calls.Count + 100, at, client, via, key, verb, timeout));
            }
        }

        return [.. calls];
    }
}
