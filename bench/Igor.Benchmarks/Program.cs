using System.CommandLine;
using Igor.Benchmarks;

// Measurements of parts of Igor on the machine at hand; docs/benchmarks.md keeps the results that count.
var bytes = new Option<int>("--bytes")
{
    Description = "Size of a message.",
    DefaultValueFactory = _ => 1024,
};
var seconds = new Option<double>("--seconds")
{
    Description = "Length of one measurement.",
    DefaultValueFactory = _ => 2,
};
var repeats = new Option<int>("--repeats")
{
    Description = "Measurements of each kind, taken in turn.",
    DefaultValueFactory = _ => 7,
};
var hop = new Command("routed-hop", "One routed request over one TLS hop, against a bare framed TLS echo.")
{
    bytes, seconds, repeats,
};
hop.SetAction((result, stop) => RoutedHop.RunAsync(
    result.GetValue(bytes),
    TimeSpan.FromSeconds(result.GetValue(seconds)),
    result.GetValue(repeats),
    stop));

var link = new Command("link-cost", "What opening a link costs on the wire.");
link.SetAction((_, stop) => LinkCost.RunAsync(stop));

var peer = new Command("peer", "The other end of a measurement, started by the measurement itself.")
{
    Hidden = true,
};
var kind = new Argument<string>("kind");
peer.Add(kind);
peer.SetAction((result, _) => RoutedHop.ServeAsync(result.GetValue(kind)!));

var root = new RootCommand("Measures parts of Igor.") {
    hop, link, ColdStart.Command(), DhtCost.Command(), StoreBenchmark.Command(), StoreOpen.Command(), peer,
};
return await root.Parse(args).InvokeAsync();
