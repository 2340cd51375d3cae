using System.Globalization;
using Igor.Simulation.Cli;
using Igor.Simulation.Scenarios;

namespace Igor.Simulation.Tests;

public class ParameterSweepTests
{
    private static readonly IScenario Churn = ScenarioCatalog.Find("churn")!;

    [Theory]
    [InlineData("session-minutes=1.5,60", "--session-minutes 1.5|--session-minutes 60")]
    [InlineData("distribution=exponential,weibull", "--distribution exponential|--distribution weibull")]
    [InlineData("nodes=10,20", "--nodes 10|--nodes 20")]
    [InlineData("seed=7,8", "--seed 7|--seed 8")]
    public void A_sweep_is_a_run_for_each_value(string sweep, string expected)
    {
        IReadOnlyList<ScenarioSettings> runs = ParameterSweep.Of(Churn, new ScenarioSettings(), sweep);
        Assert.All(
            runs.Zip(expected.Split('|'), (run, part) => (run.Command(Churn), part)),
            pair => Assert.Contains(pair.part, pair.Item1, StringComparison.Ordinal));
        Assert.Equal(2, runs.Count);
    }

    [Theory]
    [InlineData("session-minutes", "NAME=a,b,c")]
    [InlineData("speed=1", "no parameter 'speed'")]
    [InlineData("silent=0.5,2", "--silent is 2")]
    [InlineData("distribution=normal", "exponential or weibull")]
    [InlineData("seed=x", "'x' is no value of seed")]
    public void A_wrong_sweep_is_named(string sweep, string expected)
    {
        var problem = Assert.Throws<UsageException>(
            () => ParameterSweep.Of(Churn, new ScenarioSettings(), sweep));
        Assert.Contains(expected, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_fails_is_a_result_with_a_violation()
    {
        ScenarioResult result = ScenarioRun.Execute(new Failing(), new ScenarioSettings());
        Assert.Contains("has not completed", Assert.Single(result.Violations).Text, StringComparison.Ordinal);
        Assert.Equal(1, result.Metric("before"));
    }

    [Fact]
    public void Results_are_written_as_they_come_and_a_file_holds_them_once()
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, "what an earlier run has left");
        using (var output = ResultOutput.Open(path))
        {
            Assert.Equal("what an earlier run has left", Written());
            foreach (string text in new[] { "a\n1\n", "a\n1\n2\n", "a,b\n1,\n2,\n3,4\n" })
            {
                output.Update(text, isWhole: false);
                Assert.Equal(text, Written());
            }
        }

        File.Delete(path);

        string Written()
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return new StreamReader(file).ReadToEnd();
        }
    }

    [Fact]
    public void What_cannot_be_taken_back_is_written_once_with_all_columns()
    {
        using var written = new StringWriter(CultureInfo.InvariantCulture);
        using var output = new ResultOutput(written);
        output.Update("a\n1\n", isWhole: false);
        output.Update("a,b\n1,\n2,3\n", isWhole: true);
        Assert.Equal("a,b\n1,\n2,3\n", written.ToString());
    }

    [Fact]
    public void Results_become_a_table_with_a_line_for_each_run()
    {
        ScenarioSettings settings = new()
        {
            Nodes = 1,
            Parameters = new Dictionary<string, double> { ["lookups"] = 3 },
        };
        IScenario rings = ScenarioCatalog.Find("small-rings")!;
        var results = ParameterSweep.Of(rings, settings, "seed=1,2")
            .Select(one => ScenarioRun.Execute(rings, one))
            .ToList();
        string[] lines = CsvTable.Of(results).TrimEnd('\n').Split('\n');
        Assert.Equal(3, lines.Length);
        string[] names = lines[0].Split(',');
        Assert.Equal("2", lines[2].Split(',')[Array.IndexOf(names, "seed")]);
        Assert.Equal("3", lines[2].Split(',')[Array.IndexOf(names, "lookups")]);
        Assert.Equal(results[1].TraceHash, lines[2].Split(',')[^1]);
    }

    private sealed class Failing : IScenario
    {
        public string Name => "failing";

        public string Summary => "Fails.";

        public int DefaultNodes => 1;

        public IReadOnlyList<ScenarioParameter> Parameters => [];

        public void Run(ScenarioRun run)
        {
            run.Measure("before", 1);
            run.Network.Run(() => new TaskCompletionSource().Task, limit: TimeSpan.FromSeconds(1));
        }
    }
}
