namespace Igor.Client.Tests;

/// <summary>What variables decide, and what they do not; alone, since they are the whole process's.</summary>
[CollectionDefinition(nameof(EnvironmentTests), DisableParallelization = true)]
[Collection(nameof(EnvironmentTests))]
public sealed class EnvironmentTests : IDisposable
{
    private readonly string? _before = Environment.GetEnvironmentVariable("IGOR_SOCKET");

    public EnvironmentTests() => Environment.SetEnvironmentVariable("IGOR_SOCKET", "/variable/s");

    public void Dispose() => Environment.SetEnvironmentVariable("IGOR_SOCKET", _before);

    [Fact]
    public void Socket_of_the_variable_is_used_when_nothing_is_named()
    {
        Assert.Equal("/variable/s", new IgorClientOptions().FindSocket().Path);
        Assert.Equal("IGOR_SOCKET", new IgorClientOptions().FindSocket().NamedBy);
    }

    [Fact]
    public void Named_folder_or_socket_counts_for_more_than_the_variable()
    {
        Assert.Equal("/d/igor.sock", new IgorClientOptions { DataFolder = "/d" }.FindSocket().Path);
        Assert.Contains(
            "IGOR_SOCKET is not used",
            new IgorClientOptions { DataFolder = "/d" }.FindSocket().PassedOver,
            StringComparison.Ordinal);
        Assert.Equal("/s", new IgorClientOptions { DataFolder = "/d", SocketPath = "/s" }.FindSocket().Path);
    }
}
