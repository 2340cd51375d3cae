using System.CommandLine;
using Igor.Trial;
using Igor.Trial.Judging;
using Igor.Trial.Lab;

const int ExitWrong = 1;
const int ExitLocalTrouble = 5;

var program = new Option<string>("--program")
{
    Description = "The program of a node, igor-dht: a native one, or one that was published.",
    Required = true,
};
var folder = new Option<string>("--dir")
{
    Description = "Where disks, logs, the history and the transcript are; it is emptied before.",
    DefaultValueFactory = _ => Path.Combine(Path.GetTempPath(), "igor-trial"),
};
var nodes = new Option<int>("--nodes")
{
    Description = "Nodes from the beginning, 5 to 60; up to three more join.",
    DefaultValueFactory = _ => 12,
};
var minutes = new Option<double>("--minutes")
{
    Description = "For how long faults come, 0.1 to 1440.",
    DefaultValueFactory = _ => 20,
};
var round = new Option<double>("--round-seconds")
{
    Description = "After so long all faults end, and everything has to be served again, 15 to 600.",
    DefaultValueFactory = _ => 45,
};
var seed = new Option<ulong>("--seed")
{
    Description = "What clients, calls and faults are drawn from; another one each time when not given.",
    DefaultValueFactory = _ => (ulong)DateTime.UtcNow.Ticks % 1_000_000_000,
};
var file = new Argument<string>("history") { Description = "A history.jsonl of a trial." };

var judge = new Command("judge", "Judge a history again.") { file };
judge.SetAction(parsed => Explained(() =>
{
    List<string> found = HistoryJudge.Violations(HistoryFile.Read(parsed.GetValue(file)!));
    found.ForEach(Console.WriteLine);
    Console.WriteLine(found.Count == 0 ? "nothing was wrong" : $"{found.Count} things were wrong");
    return Task.FromResult(found.Count == 0 ? 0 : ExitWrong);
}));

var root = new RootCommand(
    "Real nodes, each in a network namespace of its own, under faults of network, processes, disks and "
    + "clocks; what clients saw is judged. It needs root, ip, nsenter, mount and libfaketime. Exits 1 when "
    + "something was wrong.");
foreach (Option option in (Option[])[program, folder, nodes, minutes, round, seed])
{
    root.Options.Add(option);
}

root.Subcommands.Add(judge);
root.SetAction((parsed, cancellation) => Explained(() => RunAsync(
    new TrialSettings(
        Path.GetFullPath(parsed.GetValue(program)!),
        Path.GetFullPath(parsed.GetValue(folder)!),
        parsed.GetValue(nodes),
        TimeSpan.FromMinutes(parsed.GetValue(minutes)),
        TimeSpan.FromSeconds(parsed.GetValue(round)),
        parsed.GetValue(seed)),
    cancellation)));
return await root.Parse(args).InvokeAsync();

static async Task<int> RunAsync(TrialSettings settings, CancellationToken cancellation)
{
    settings.Check();
    using var lab = new TrialLab(settings.Program, settings.Folder, settings.Nodes);
    var transcript = new TrialTranscript(settings, lab.Clock);
    return await new TrialRun(settings, lab, transcript).ExecuteAsync(cancellation) ? 0 : ExitWrong;
}

static async Task<int> Explained(Func<Task<int>> run)
{
    try
    {
        return await run();
    }
    catch (TrialException problem)
    {
        Console.Error.WriteLine("igor-trial: " + problem.Message);
        return ExitLocalTrouble;
    }
    catch (OperationCanceledException)
    {
        return 130;
    }
}
