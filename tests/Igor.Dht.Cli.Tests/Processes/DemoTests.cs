using System.Text.Json;
using Igor.Testing;

namespace Igor.Dht.Cli.Tests;

public sealed class DemoTests : IDisposable
{
    private readonly TestHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task Demo_loses_two_nodes_and_no_record_and_cleans_up()
    {
        ProcessResult result = await Cli.RunAsync(_home, "demo", "--records", "60", "--json");

        JsonElement report = result.AssertDone().Json;
        Assert.Equal(5, report.GetProperty("nodes").GetInt32());
        Assert.Equal(60, report.GetProperty("acknowledged").GetInt32());
        Assert.Equal(2, report.GetProperty("killed").GetArrayLength());
        Assert.Equal(60, report.GetProperty("readable").GetInt32());
        Assert.Empty(Directory.GetDirectories(_home.Folder, "igor-demo-*"));
    }
}
