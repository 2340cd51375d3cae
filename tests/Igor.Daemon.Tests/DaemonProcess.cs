using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Igor.Testing;

namespace Igor.Daemon.Tests;

/// <summary>A real igord (or another program), whose output is kept line by line.</summary>
internal sealed class DaemonProcess : IDisposable
{
    public const int HangUp = 1;
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Terminate = 15;

    // Tests that a script started in its background ignore SIGINT, and their children would inherit that.
    private const string Env = "/usr/bin/env";
    private const string TakesInterrupts = "--default-signal=INT";

    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly Process _process;

    private DaemonProcess(
        string program, IEnumerable<string> arguments, IEnumerable<(string, string)> environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (string variable in start.Environment.Keys.Where(
            name => name.StartsWith("IGOR_", StringComparison.Ordinal) || name == "NOTIFY_SOCKET").ToArray())
        {
            start.Environment.Remove(variable);
        }

        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public IReadOnlyList<string> Output => [.. _output];

    public IReadOnlyList<string> Errors => [.. _errors];

    public bool HasExited => _process.HasExited;

    public static DaemonProcess Start(string program, params string[] arguments) =>
        new(program, arguments, []);

    public static DaemonProcess StartIgord(params string[] arguments) => StartIgord(arguments, []);

    public static DaemonProcess StartIgord(string[] arguments, params (string, string)[] environment) =>
        new(
            Env,
            [TakesInterrupts, Path.Combine(AppContext.BaseDirectory, "igord"), .. arguments],
            environment);

    /// <summary>Waits for the line that starts with a word; fails when the program ends without it.</summary>
    public async Task<string> LineAsync(string start)
    {
        string? Find() => _output.FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal));
        await Eventually.HoldsAsync(() => Find() is not null || _process.HasExited, $"a line with '{start}'");
        return Find() ?? throw new InvalidOperationException(
            $"It ended without '{start}': {string.Join('\n', _output.Concat(_errors))}");
    }

    /// <summary>Waits until it serves; the addresses and the rest of the ready line by name.</summary>
    public async Task<(string Address, string NodeId, string Socket)> ReadyAsync()
    {
        string[] words = (await LineAsync("ready")).Split(' ');
        string Value(string name) => words.Single(
            word => word.StartsWith(name + "=", StringComparison.Ordinal))[(name.Length + 1)..];
        return (words[1], Value("node"), Value("socket"));
    }

    public void Signal(int signal) => Assert.Equal(0, SendSignal(_process.Id, signal));

    /// <summary>Waits for its end and returns the exit code.</summary>
    public async Task<int> ExitAsync()
    {
        using var patience = new CancellationTokenSource(Eventually.Patience);
        await _process.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static void Keep(ConcurrentQueue<string> lines, string? line)
    {
        if (line is not null)
        {
            lines.Enqueue(line);
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int process, int signal);
}
