using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Igor.Trial.Lab;

/// <summary>Programs of the host that do one thing and end.</summary>
internal static class Tool
{
    /// <summary>Ends a process at once.</summary>
    public const int SigKill = 9;

    /// <summary>Asks a process to end.</summary>
    public const int SigTerm = 15;

    /// <summary>Lets a process go on.</summary>
    public const int SigCont = 18;

    /// <summary>Makes a process stand still.</summary>
    public const int SigStop = 19;

    /// <summary>Runs one, and throws with what it said when it fails.</summary>
    /// <exception cref="TrialException">It is not there, or failed.</exception>
    public static string Run(string program, params string[] arguments) => Feed(program, arguments, null);

    /// <summary>Does the lines of a batch file of `ip` in a namespace.</summary>
    public static void IpBatch(string space, IEnumerable<string> lines) =>
        Feed("ip", ["-n", space, "-batch", "-"], string.Join('\n', lines) + "\n");

    /// <summary>Runs one of which it does not matter whether it does anything.</summary>
    public static void Try(string program, params string[] arguments)
    {
        try
        {
            Run(program, arguments);
        }
        catch (TrialException)
        {
            // There was nothing to be done.
        }
    }

    /// <summary>Sends a signal; nothing happens when the process is gone.</summary>
    public static void Signal(int pid, int signal) => _ = Kill(pid, signal);

    private static string Feed(string program, string[] arguments, string? input)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        try
        {
            using Process process = Process.Start(start)!;
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? output
                : throw new TrialException(
                    $"{program} {string.Join(' ', arguments)}: {error.Result.Trim()} ({process.ExitCode})");
        }
        catch (Win32Exception problem)
        {
            throw new TrialException($"{program} cannot be run: {problem.Message}", problem);
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int pid, int signal);
}
