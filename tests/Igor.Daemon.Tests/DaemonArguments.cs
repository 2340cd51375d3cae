using Igor.Testing;

namespace Igor.Daemon.Tests;

/// <summary>What daemons of tests are started with.</summary>
internal static class DaemonArguments
{
    /// <summary>The options of a daemon of its own on loopback, with its data in a folder.</summary>
    public static string[] Arguments(this TemporaryFolder folder, string name, params string[] more) =>
        ["--data", folder.Combine(name), "--listen", "127.0.0.1:0", "--network", "test", .. more];
}
