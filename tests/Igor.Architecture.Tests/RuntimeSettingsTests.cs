using System.Text.Json;

namespace Igor.Architecture.Tests;

/// <summary>What the programs ask of the runtime, which no source says.</summary>
public sealed class RuntimeSettingsTests
{
    [Theory]
    [InlineData("igord")]
    [InlineData("igor-dht")]
    public void Threads_of_a_node_that_have_nothing_to_do_do_not_spin(string program)
    {
        using FileStream file = File.OpenRead(
            Path.Combine(AppContext.BaseDirectory, program + ".runtimeconfig.json"));
        using JsonDocument settings = JsonDocument.Parse(file);
        Assert.Equal(
            0,
            settings.RootElement.GetProperty("runtimeOptions").GetProperty("configProperties")
                .GetProperty("System.Threading.ThreadPool.UnfairSemaphoreSpinLimit").GetInt32());
    }
}
