using System.Diagnostics;
using Igor.EndToEnd.Processes;
using Igor.Testing;

namespace Igor.EndToEnd;

/// <summary>A node's certificate stands for its key, and for nobody who could vouch for it.</summary>
public sealed class AuthoritiesTests
{
    private const string ReadByTheTest = "read-by-the-test";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Node_starts_without_reading_authorities(bool isDaemon)
    {
        using var home = new TemporaryFolder();
        using var folder = new TemporaryFolder();
        string authorities = folder.Combine("authorities");
        await File.WriteAllTextAsync(authorities, "# none\n");
        await File.WriteAllTextAsync(folder.Combine(ReadByTheTest), "# none\n");
        var firstRead = new TaskCompletionSource<string?>();
        using var watcher = new FileSystemWatcher(folder.Path) { NotifyFilter = NotifyFilters.LastAccess };
        watcher.Changed += (_, read) => firstRead.TrySetResult(read.Name);
        watcher.EnableRaisingEvents = true;

        var settings = new NodeSettings { Data = home.Combine("data"), Network = "no-authorities" };
        ProcessStartInfo start = isDaemon
            ? TestProcess.StartOf(Programs.Igord, settings.Arguments())
            : TestProcess.StartOf(Programs.IgorDht, ["serve", .. settings.Arguments()]);
        start.Environment["SSL_CERT_FILE"] = authorities;
        using TestProcess node = TestProcess.Start(start);
        await node.LineAsync("ready ");
        Assert.Equal(0, await node.EndAsync(Signals.Terminate));

        await File.ReadAllTextAsync(folder.Combine(ReadByTheTest));
        Assert.Equal(ReadByTheTest, await Eventually.CompletesAsync(firstRead.Task, "a file is read"));
    }
}
