using System.Diagnostics;
using Igor.Testing;

namespace Igor.Dht.Cli.Tests;

/// <summary>igor-dht as a process of its own, with a home that is the test's.</summary>
internal static class Cli
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "igor-dht");

    /// <summary>Runs a command to its end.</summary>
    public static Task<ProcessResult> RunAsync(TestHome home, byte[]? input, params string[] arguments) =>
        TestProcess.RunAsync(StartOf(home, Program, arguments), input ?? [], s_patience);

    /// <summary>Runs a command to its end, without input.</summary>
    public static Task<ProcessResult> RunAsync(TestHome home, params string[] arguments) =>
        RunAsync(home, null, arguments);

    /// <summary>
    /// Runs a line of bash, in which $IGOR is igor-dht, to its end: for arguments that are no text and closed
    /// descriptors. Standard input stays open, and nothing comes from it.
    /// </summary>
    public static async Task<ProcessResult> RunShellAsync(TestHome home, string line)
    {
        ProcessStartInfo start = StartOf(home, "bash", ["-c", line]);
        start.Environment["IGOR"] = Program;
        ProcessResult result = await TestProcess.RunAsync(start, null, s_patience);
        return result with { Errors = WithoutNotice(result.Errors) };
    }

    /// <summary>Starts a node and waits until it is ready; the words of its line are in the result.</summary>
    public static async Task<(TestProcess Node, string[] Ready)> ServeAsync(
        TestHome home, params string[] arguments)
    {
        var node = TestProcess.Start(
            StartOf(home, Program, ["serve", "--listen", "127.0.0.1:0", .. arguments]));
        return (node, (await node.LineAsync("ready")).Split(' '));
    }

    /// <summary>
    /// Starts a command that waits; its standard input stays open, and nobody takes its output.
    /// </summary>
    public static async Task<TestProcess> StartWaitingAsync(TestHome home, params string[] arguments)
    {
        var command = TestProcess.Start(StartOf(home, Program, arguments), takesOutput: false);

        // Its signal handlers are there before it reads, which nothing outside shows better than the kernel.
        await Eventually.HoldsAsync(
            () => File.ReadLines($"/proc/{command.Id}/status").Any(HandlesHangUp), "it handles signals");
        return command;
    }

    // A process gets the test's home, and nothing of this process's settings.
    private static ProcessStartInfo StartOf(TestHome home, string program, string[] arguments)
    {
        ProcessStartInfo start = TestProcess.StartOf(program, arguments);
        start.WorkingDirectory = home.Folder;
        start.Environment["TMPDIR"] = home.Folder;
        start.Environment["XDG_DATA_HOME"] = home.Folder;
        start.Environment["XDG_RUNTIME_DIR"] = home.Folder;
        foreach ((string name, string? value) in home.Environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private static bool HandlesHangUp(string line) =>
        line.StartsWith("SigCgt:", StringComparison.Ordinal)
        && (Convert.ToUInt64(line[7..].Trim(), 16) & 1) != 0;

    // That the store is new is told by whichever command comes first.
    private static string WithoutNotice(string errors) => string.Concat(errors.Split('\n')
        .Where(line => line.Length > 0 && !line.Contains("in a new store in", StringComparison.Ordinal))
        .Select(line => line + "\n"));
}
