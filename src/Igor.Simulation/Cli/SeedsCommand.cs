using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Igor.Simulation.Checks;
using Igor.Simulation.Histories;

namespace Igor.Simulation.Cli;

/// <summary>
/// `igor-sim seeds N`: many generated histories, judged; the first that fails is made short.
/// </summary>
internal sealed class SeedsCommand
{
    private const int RunsOfShrinking = 1000;
    private static readonly TimeSpan s_shrinksAtMost = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_tellPeriod = TimeSpan.FromSeconds(2);

    private readonly Argument<int> _count = new("count") { Description = "How many seeds." };

    private readonly Option<ulong> _from = new("--from")
    {
        Description = "The first seed; the others follow it.",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<int> _jobs = new("--jobs")
    {
        Description = "How many at a time; one for each processor when not given.",
        DefaultValueFactory = _ => Environment.ProcessorCount,
    };

    private readonly Option<int> _nodes = new("--nodes")
    {
        Description = $"Most nodes that a seed may draw ({PlanDraw.NodesMin} to {PlanDraw.NodesMax}).",
        DefaultValueFactory = _ => PlanDraw.NodesMax,
    };

    private readonly Option<bool> _goOn = new("--go-on")
    {
        Description = "Run all seeds, also after one that fails; then none is made short.",
    };

    private readonly Option<bool> _whole = new("--whole")
    {
        Description = "Do not make the seed that fails shorter: print all that happened.",
    };

    public static Command Create()
    {
        var seeds = new SeedsCommand();
        var command = new Command(
            "seeds",
            "Run generated histories of the DHT: each seed draws nodes, clients, calls and faults of "
            + "network, processes, disks and clocks; what clients saw is judged. Exits 1 for a seed that "
            + "fails, with what it broke and a transcript that was made as short as it still breaks it.\n\n"
            + "Examples:\n"
            + "  igor-sim seeds 200                  seeds 1 to 200\n"
            + "  igor-sim seeds 1 --from 77          seed 77 alone\n"
            + "  igor-sim seeds 1 --from 77 --whole  and all that happened in it\n"
            + "  igor-sim seeds 2000 --from 1000 --go-on");
        command.Arguments.Add(seeds._count);
        command.Options.Add(seeds._from);
        command.Options.Add(seeds._jobs);
        command.Options.Add(seeds._nodes);
        command.Options.Add(seeds._goOn);
        command.Options.Add(seeds._whole);
        command.SetAction(seeds.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        int count = parsed.GetValue(_count);
        ulong from = parsed.GetValue(_from);
        int jobs = parsed.GetValue(_jobs);
        int nodes = parsed.GetValue(_nodes);
        if (count < 1 || jobs < 1 || nodes is < PlanDraw.NodesMin or > PlanDraw.NodesMax)
        {
            Console.Error.WriteLine(
                "igor-sim: count and --jobs are 1 or more, --nodes is "
                + $"{PlanDraw.NodesMin} to {PlanDraw.NodesMax}");
            return SimCommand.ExitFailed;
        }

        var progress = new SeedProgress(count);
        bool goesOn = parsed.GetValue(_goOn);
        SeedBatch.Run(from, count, jobs, seed => PlanDraw.Draw(seed, nodes), verdict =>
        {
            progress.Add(verdict);
            return goesOn || verdict.Violations.Count == 0;
        });
        progress.End();
        if (progress.Failed.Count == 0)
        {
            return SimCommand.ExitDone;
        }

        if (!goesOn)
        {
            Explain(progress.Failed[0], isWhole: parsed.GetValue(_whole));
        }

        return SimCommand.ExitFailed;
    }

    // A plan is data, so that whatever of it is left runs as it did.
    private static void Explain(SeedVerdict failed, bool isWhole)
    {
        string rule = failed.Violations[0].Checker;
        SeedVerdict shown = failed;
        if (!isWhole)
        {
            Console.Error.WriteLine(
                $"igor-sim: making seed {failed.Plan.Seed} shorter, which breaks '{rule}'");
            var shrinker = new PlanShrinker(
                rule, RunsOfShrinking, plan => SeedVerdict.Of(plan), s_shrinksAtMost);
            shown = shrinker.Shrink(failed);
        }

        shown = SeedVerdict.Of(shown.Plan, keepsTranscript: true);
        Console.WriteLine(shown.Plan);
        foreach (string line in shown.Transcript)
        {
            Console.WriteLine(line);
        }

        foreach (Violation violation in shown.Violations)
        {
            Console.WriteLine(violation);
        }
    }

    /// <summary>Tells how far it is, and what failed.</summary>
    private sealed class SeedProgress(int count)
    {
        private readonly long _start = Stopwatch.GetTimestamp();
        private TimeSpan _tellAt;
        private TimeSpan _slowestRecovery;
        private int _ended;
        private long _calls;
        private long _unsure;

        public List<SeedVerdict> Failed { get; } = [];

        public void Add(SeedVerdict verdict)
        {
            _ended++;
            _calls += verdict.Calls;
            _unsure += verdict.Unsure;
            _slowestRecovery = verdict.RecoveredAfter > _slowestRecovery
                ? verdict.RecoveredAfter
                : _slowestRecovery;
            if (verdict.Violations.Count > 0)
            {
                Failed.Add(verdict);
                Console.WriteLine($"seed {verdict.Plan.Seed}: {verdict.Violations[0]}");
            }

            TimeSpan took = Stopwatch.GetElapsedTime(_start);
            if (took >= _tellAt && !Console.IsErrorRedirected)
            {
                _tellAt = took + s_tellPeriod;
                Console.Error.Write($"\r{_ended} of {count} seeds, {Failed.Count} failed ");
            }
        }

        public void End()
        {
            if (!Console.IsErrorRedirected)
            {
                Console.Error.WriteLine();
            }

            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{_ended - Failed.Count} passed, {Failed.Count} failed; {_calls} calls ended, {_unsure} "
                + $"unsure or marked; slowest recovery {_slowestRecovery.TotalSeconds:F1} s; "
                + $"{Stopwatch.GetElapsedTime(_start).TotalSeconds:F0} s"));
        }
    }
}
