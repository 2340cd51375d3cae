using Igor.Testing;

namespace Igor.EndToEnd.Processes;

/// <summary>Runs igor-dht commands as a user would.</summary>
internal static class Cli
{
    /// <summary>Runs a command without input.</summary>
    public static Task<ProcessResult> RunAsync(params string[] arguments) => RunAsync([], arguments);

    /// <summary>
    /// Runs a command with bytes on its standard input; one that hangs is killed and fails the test.
    /// </summary>
    public static Task<ProcessResult> RunAsync(byte[] input, params string[] arguments) =>
        TestProcess.RunAsync(TestProcess.StartOf(Programs.IgorDht, arguments), input);
}
