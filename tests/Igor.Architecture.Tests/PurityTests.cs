using Mono.Cecil;

namespace Igor.Architecture.Tests;

public class PurityTests
{
    [Fact]
    public void Kbr_is_pure()
    {
        using AssemblyDefinition kbr = BuiltAssembly.Read("Igor.Kbr");
        TypeDefinition[] types = [.. BuiltAssembly.TopLevelTypes(kbr)];

        Assert.Contains(types, type => type.Name == "OverlayNode");
        Rule.HasNo(types.SelectMany(Purity.ViolationsOf));
    }

    [Fact]
    public void Local_protocol_is_pure()
    {
        using AssemblyDefinition local = BuiltAssembly.Read("Igor.Local");
        TypeDefinition[] types =
            [.. BuiltAssembly.TopLevelTypes(local).Where(type => type.Namespace == "Igor.Local.Protocol")];

        Assert.Contains(types, type => type.Name == "LocalFrameReader");
        Rule.HasNo(types.SelectMany(Purity.ViolationsOf));
    }

    [Fact]
    public void Dht_protocol_is_pure()
    {
        using AssemblyDefinition dht = BuiltAssembly.Read("Igor.Dht.Protocol");
        TypeDefinition[] types = [.. BuiltAssembly.TopLevelTypes(dht)];

        Assert.Contains(types, type => type.Name == "RecordCodec");
        Rule.HasNo(types.SelectMany(Purity.ViolationsOf));
    }

    [Theory]
    [InlineData("Clocks", "System.DateTime.get_UtcNow")]
    [InlineData("Clocks", "System.Diagnostics.Stopwatch.GetTimestamp")]
    [InlineData("Clocks", "System.Environment.get_TickCount64")]
    [InlineData("Waiting", "System.Threading.Tasks.Task.Delay")]
    [InlineData("Waiting", "System.Threading.Timer")]
    [InlineData("Waiting", "System.Threading.Thread.Sleep")]
    [InlineData("Chance", "System.Random..ctor")]
    [InlineData("Chance", "System.Random.get_Shared")]
    [InlineData("Chance", "System.Guid.NewGuid")]
    [InlineData("Machine", "System.Net.Sockets.Socket")]
    [InlineData("Machine", "System.IO.File.ReadAllText")]
    [InlineData("Machine", "System.Environment.GetEnvironmentVariable")]
    [InlineData("Machine", "Microsoft.Extensions.Logging.ILogger")]
    [InlineData("Machine", "mutable static Count")]
    public void Purity_of_a_fixture_that_breaks_it_is_reported(string fixture, string violation)
    {
        Assert.Contains(
            Purity.ViolationsOf(Fixture(fixture)),
            reported => reported.Contains(violation, StringComparison.Ordinal));
    }

    [Fact]
    public void Purity_of_a_fixture_that_keeps_it_is_not_reported()
    {
        Rule.HasNo(Purity.ViolationsOf(Fixture("PureFixture")));
    }

    private static TypeDefinition Fixture(string name)
    {
        AssemblyDefinition tests = BuiltAssembly.Read("Igor.Architecture.Tests");
        return tests.MainModule.GetType("Igor.Architecture.Tests.Fixtures." + name);
    }
}
