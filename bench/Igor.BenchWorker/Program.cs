using System.Globalization;
using Igor.BenchWorker;
using Igor.Dht;
using Igor.Kbr;
using Igor.Terminal;

// One storage node per process for a benchmark that compares DHTs: it prints one JSON line when it has
// joined, then reads one command per line on standard input and answers with one JSON line.
//
//   put FIRST COUNT SIZE CONC MAXSEC   put keys FIRST..FIRST+COUNT-1, CONC at a time,
//                                      starting none after MAXSEC
//   get FIRST COUNT SIZE CONC MAXSEC   the same for reads; the content is checked
//   info                               {"peers": n}
//
// Started with --port P --boot B (0 for the first node); everything it keeps goes to a folder of its own
// below the current one. Latencies are taken here, around the public API.

Authorities.Forgo();
SocketThreads.Work();
string port = Option("--port", "0");
string boot = Option("--boot", "0");
await using IgorDht dht = await IgorDht.OpenAsync(new IgorDhtOptions
{
    Data = Path.GetFullPath("igor-" + port),
    Listen = "127.0.0.1:" + port,
    Bootstrap = boot == "0" ? [] : ["127.0.0.1:" + boot],
    UseDaemon = false,
    Role = ServiceRole.Member,
    Timeout = TimeSpan.FromSeconds(15),
});
while (!(await dht.StatusAsync()).IsJoined)
{
    await Task.Delay(5);
}

Console.WriteLine("""{"ready":1}""");
while (Console.ReadLine() is { } line)
{
    string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    if (words is ["info"])
    {
        Console.WriteLine($$"""{"peers":{{(await dht.StatusAsync()).Neighbours.Count}}}""");
    }
    else if (words is
        [("put" or "get") and var operation, var first, var count, var size, var lanes, var seconds])
    {
        var run = new WorkerRun(dht, operation == "put", Number(first), Number(size));
        Console.WriteLine(await run.RunAsync(
            Number(count), Number(lanes), double.Parse(seconds, CultureInfo.InvariantCulture)));
    }
    else
    {
        Console.WriteLine("""{"err":"unknown command"}""");
    }
}

string Option(string name, string otherwise)
{
    int at = Array.IndexOf(args, name);
    return at >= 0 && at + 1 < args.Length ? args[at + 1] : otherwise;
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
