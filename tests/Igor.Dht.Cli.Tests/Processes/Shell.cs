using System.Diagnostics;

namespace Igor.Dht.Cli.Tests;

/// <summary>
/// A line of bash, in which $IGOR is igor-dht: for arguments that are no text and closed descriptors.
/// </summary>
internal static class Shell
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromMinutes(2);

    /// <summary>Runs a line to its end; standard input stays open, and nothing comes from it.</summary>
    public static async Task<CliResult> RunAsync(TestHome home, string line)
    {
        var start = new ProcessStartInfo("bash", ["-c", line])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = home.Folder,
        };
        Cli.SetEnvironment(start, home);
        start.Environment["IGOR"] = Path.Combine(AppContext.BaseDirectory, "igor-dht");
        using Process process = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(s_deadline);
        using var output = new MemoryStream();
        Task<string> error = process.StandardError.ReadToEndAsync(deadline.Token);
        try
        {
            await process.StandardOutput.BaseStream.CopyToAsync(output, deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return new CliResult(process.ExitCode, output.ToArray(), WithoutNotice(await error));
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    // That the store is new is told by whichever command comes first.
    private static string WithoutNotice(string error) => string.Concat(error.Split('\n')
        .Where(line => line.Length > 0 && !line.Contains("in a new store in", StringComparison.Ordinal))
        .Select(line => line + "\n"));
}
