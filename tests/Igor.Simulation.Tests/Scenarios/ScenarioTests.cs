using Igor.Simulation.Checks;
using Igor.Simulation.Scenarios;

namespace Igor.Simulation.Tests;

public class ScenarioTests
{
    [Fact]
    public void Ring_of_a_thousand_nodes_routes_every_key_right_and_heals_after_a_quarter_crashed()
    {
        ScenarioResult result = Run("ring", new ScenarioSettings { Nodes = 1000, Seed = 20 });
        Assert.Equal(1, result.Metric("lookupSuccess"));
        Assert.Equal(1, result.Metric("lookupSuccessAfterCrash"));
        Assert.InRange(result.Metric("hopsMean"), 1, 7);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Ring_with_lost_packets_heals(ulong seed) => Run("ring", new ScenarioSettings
    {
        Nodes = 60,
        Seed = seed,
        Parameters = new Dictionary<string, double> { ["loss"] = 0.02, ["lookups"] = 300 },
    });

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    [InlineData(4, 4)]
    [InlineData(6, 5)]
    [InlineData(9, 6)]
    public void Small_rings_grow_shrink_start_at_once_and_merge(int nodes, ulong seed) =>
        Run("small-rings", new ScenarioSettings { Nodes = nodes, Seed = seed });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Rings_become_one_after_partitions_clogging_and_stalls(ulong seed) =>
        Run("partition", new ScenarioSettings { Nodes = 40, Seed = seed });

    [Fact]
    public void A_network_of_more_nodes_than_one_has_links_grows_through_one_address()
    {
        const int linksMax = 128;
        ScenarioResult result = Run("join", Settings(
            200, 1, ("rate", 50), ("lookups", 100), ("upkeep-seconds", 20)));
        Assert.Equal(1, result.Metric("joinedFraction"));
        Assert.Equal(0, result.Metric("ringFaults"));
        Assert.InRange(result.Metric("bootstrapLinksMax"), 1, linksMax);
        Assert.InRange(result.Metric("linksPerNodeMax"), 1, linksMax);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Keys_find_their_roots_while_nodes_come_and_go(int distribution)
    {
        ScenarioResult result = Run("churn", Settings(
            40, 1, ("session-minutes", 2), ("distribution", distribution), ("measure-seconds", 60)));
        Assert.InRange(result.Metric("lookupSuccess"), 0.95, 1);
        Assert.InRange(result.Metric("silentDeaths"), 1, result.Metric("deaths") - 1);
        Assert.InRange(result.Metric("handshakesPerNodePerMinute"), 0.1, 60);
    }

    [Fact]
    public void Node_with_hundreds_of_services_costs_little_once_it_has_found_their_members()
    {
        ScenarioResult result = Run("services", Settings(20, 1, ("services", 200), ("upkeep-seconds", 60)));
        Assert.InRange(result.Metric("bytesPerNodeAtStartOfServiceQuery"), 1, 100_000);
        Assert.InRange(result.Metric("peakBytesPerSecondLaterAtStart"), 1, 2_000);
        Assert.InRange(result.Metric("upkeepBytesPerNodePerSecond"), 1, 200);
    }

    [Fact]
    public void All_nodes_restart_within_seconds_and_are_one_ring_again() =>
        Run("storm", Settings(40, 1, ("lookups", 100)));

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.1)]
    public void Rings_become_one_after_30_minutes_apart(double cutFraction)
    {
        ScenarioResult result = Run("partition", Settings(
            30, 1, ("rounds", 1), ("fault-seconds", 1800), ("cut-fraction", cutFraction), ("lookups", 50)));
        Assert.InRange(result.Metric("slowestHealSeconds"), 0, 60);
    }

    [Fact]
    public void A_ring_that_is_not_one_in_time_is_reported_with_what_is_wrong()
    {
        ScenarioResult result = ScenarioRun.Execute(
            ScenarioCatalog.Find("churn")!,
            Settings(40, 1, ("limit-seconds", 1), ("warm-up-seconds", 0), ("measure-seconds", 1)));
        Violation late = result.Violations.First(violation => violation.Checker == "liveness");
        Assert.Contains("one ring", late.Text, StringComparison.Ordinal);
        Assert.Contains(result.Violations, one => one.Checker == "ring" && one.At == late.At
            && one.Text.Contains("should be", StringComparison.Ordinal));
    }

    [Fact]
    public void Same_seed_gives_the_same_trace_and_another_seed_another_one()
    {
        ScenarioSettings settings = new()
        {
            Nodes = 30,
            Seed = 9,
            Parameters = new Dictionary<string, double> { ["lookups"] = 100, ["loss"] = 0.01 },
        };
        ScenarioResult first = Run("ring", settings);
        ScenarioResult second = Run("ring", settings);
        Assert.Equal(first.TraceHash, second.TraceHash);
        Assert.Equal(first.Metrics, second.Metrics);
        Assert.NotEqual(first.TraceHash, Run("ring", settings with { Seed = 10 }).TraceHash);
    }

    [Fact]
    public void Result_as_json_has_what_scripts_rely_on()
    {
        ScenarioResult result = Run("small-rings", new ScenarioSettings { Nodes = 1, Seed = 3 });
        using var json = System.Text.Json.JsonDocument.Parse(result.ToJson());
        System.Text.Json.JsonElement root = json.RootElement;
        Assert.Equal("small-rings", root.GetProperty("scenario").GetString());
        Assert.Equal(1, root.GetProperty("nodes").GetInt32());
        Assert.Equal(3ul, root.GetProperty("seed").GetUInt64());
        Assert.Equal(16, root.GetProperty("traceHash").GetString()!.Length);
        Assert.True(root.GetProperty("wallSeconds").GetDouble() >= 0);
        Assert.True(root.GetProperty("virtualSeconds").GetDouble() > 0);
        Assert.Equal(System.Text.Json.JsonValueKind.Object, root.GetProperty("metrics").ValueKind);
        Assert.Equal(0, root.GetProperty("violations").GetArrayLength());
    }

    [Fact]
    public void Settings_name_the_parameter_that_is_wrong()
    {
        IScenario ring = ScenarioCatalog.Find("ring")!;
        var unknown = new ScenarioSettings { Parameters = new Dictionary<string, double> { ["speed"] = 1 } };
        var tooLarge = new ScenarioSettings { Parameters = new Dictionary<string, double> { ["loss"] = 2 } };
        Assert.Contains("speed", unknown.Error(ring), StringComparison.Ordinal);
        Assert.Contains("--loss is 2", tooLarge.Error(ring), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => ScenarioRun.Execute(ring, tooLarge));
    }

    private static ScenarioSettings Settings(
        int nodes, ulong seed, params (string Name, double Value)[] parameters) => new()
        {
            Nodes = nodes,
            Seed = seed,
            Parameters = parameters.ToDictionary(one => one.Name, one => one.Value),
        };

    private static ScenarioResult Run(string name, ScenarioSettings settings)
    {
        ScenarioResult result = ScenarioRun.Execute(ScenarioCatalog.Find(name)!, settings);
        Assert.True(result.Violations.Count == 0, result.ToString());
        return result;
    }
}
