using Igor.Node;

namespace Igor.Daemon.Tests;

public sealed class DaemonSettingsTests
{
    [Fact]
    public void Later_source_wins_setting_by_setting()
    {
        var file = new DaemonSettings
        {
            Network = "file",
            Listen = "file:1",
            Bootstrap = ["file:1", "file:2"],
        };
        var environment = new DaemonSettings { Network = "environment", Listen = "environment:1" };
        var arguments = new DaemonSettings { Network = "arguments" };
        DaemonSettings settings = arguments.Over(environment).Over(file);
        Assert.Equal(("arguments", "environment:1"), (settings.Network, settings.Listen));
        Assert.Equal(["file:1", "file:2"], settings.Bootstrap);
    }

    [Fact]
    public void Environment_lists_are_separated_by_commas()
    {
        DaemonSettings settings = DaemonSettings.FromEnvironment(
            name => name == "IGOR_BOOTSTRAP" ? "a:1, b:2," : name == "IGOR_NETWORK" ? "" : null);
        Assert.Equal(["a:1", "b:2"], settings.Bootstrap);
        Assert.Null(settings.Network); // empty is as good as not set
    }

    [Fact]
    public void Text_that_is_no_utf8_is_wrong_usage_wherever_it_stands()
    {
        DaemonFailure variable = Assert.Throws<DaemonFailure>(
            () => DaemonSettings.FromEnvironment(name => name == "IGOR_NETWORK" ? "n\ufffd" : null));
        Assert.Contains("IGOR_NETWORK", variable.Message, StringComparison.Ordinal);

        string file = Path.GetTempFileName();
        try
        {
            foreach (byte[] text in (byte[][])[[.. @"n\ud800"u8], [(byte)'n', 0xff]])
            {
                File.WriteAllBytes(file, [.. @"{""network"": """u8, .. text, .. @"""}"u8]);
                DaemonFailure failure = Assert.Throws<DaemonFailure>(() => SettingsFile.Read(file));
                Assert.Equal(DaemonExitCode.Usage, failure.ExitCode);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Socket_is_in_a_data_folder_that_was_named()
    {
        Assert.Equal("/some/where/igor.sock", new DaemonSettings { Data = "/some/where" }.SocketPath);
        Assert.Equal("/else/s", new DaemonSettings { Data = "/some/where", Socket = "/else/s" }.SocketPath);
    }

    [Fact]
    public void Sample_configuration_is_valid()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root!.FullName, "Igor.sln")))
        {
            root = root.Parent;
        }

        DaemonSettings settings = SettingsFile.Read(
            Path.Combine(root.FullName, "packaging", "igord.json"));
        IgorNodeOptions options = settings.ToNodeOptions();
        Assert.Equal(("/var/lib/igor", "0.0.0.0:4646"), (options.DataFolder, options.Listen));
        Assert.Equal("/run/igor/igor.sock", settings.SocketPath);
    }
}
