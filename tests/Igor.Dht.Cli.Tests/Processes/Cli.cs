using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Igor.Dht.Cli.Tests;

/// <summary>igor-dht as a process of its own, with a home that is the test's.</summary>
internal sealed partial class Cli : IDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromMinutes(3);
    private readonly Process _process;
    private readonly Task<string> _error;

    private Cli(Process process)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Its process.</summary>
    public int Id => _process.Id;

    /// <summary>Runs a command to its end.</summary>
    public static async Task<CliResult> RunAsync(TestHome home, byte[]? input, params string[] arguments)
    {
        using Cli cli = Start(home, arguments);
        using var deadline = new CancellationTokenSource(s_deadline);
        using var output = new MemoryStream();
        Task copying = cli._process.StandardOutput.BaseStream.CopyToAsync(output, deadline.Token);
        await cli._process.StandardInput.BaseStream.WriteAsync(input ?? [], deadline.Token);
        cli._process.StandardInput.Close();
        await copying;
        await cli._process.WaitForExitAsync(deadline.Token);
        return new CliResult(cli._process.ExitCode, output.ToArray(), await cli._error);
    }

    /// <summary>Runs a command to its end, without input.</summary>
    public static Task<CliResult> RunAsync(TestHome home, params string[] arguments) =>
        RunAsync(home, null, arguments);

    /// <summary>Starts a node and waits until it is ready; the words of its line are in the result.</summary>
    public static async Task<(Cli Node, string[] Ready)> ServeAsync(TestHome home, params string[] arguments)
    {
        Cli cli = Start(home, ["serve", "--listen", "127.0.0.1:0", .. arguments]);
        using var deadline = new CancellationTokenSource(s_deadline);
        string? line = await cli._process.StandardOutput.ReadLineAsync(deadline.Token);
        if (line is null)
        {
            string error = await cli._error;
            cli.Dispose();
            throw new InvalidOperationException("the node ended: " + error);
        }

        return (cli, line.Split(' '));
    }

    /// <summary>What it has written to standard error; waits for its end.</summary>
    public Task<string> ErrorAsync() => _error;

    /// <summary>Gives a process the test's home, and nothing of this process's settings.</summary>
    public static void SetEnvironment(ProcessStartInfo start, TestHome home)
    {
        foreach (string name in start.Environment.Keys.Where(
            name => name.StartsWith("IGOR_", StringComparison.Ordinal)))
        {
            start.Environment.Remove(name);
        }

        start.Environment["TMPDIR"] = home.Folder;
        start.Environment["XDG_DATA_HOME"] = home.Folder;
        start.Environment["XDG_RUNTIME_DIR"] = home.Folder;
        foreach ((string name, string? value) in home.Environment)
        {
            start.Environment[name] = value;
        }
    }

    /// <summary>Starts a command that waits; its standard input stays open.</summary>
    public static async Task<Cli> StartWaitingAsync(TestHome home, params string[] arguments)
    {
        Cli cli = Start(home, arguments);

        // Its signal handlers are there before it reads, which nothing outside shows better than the kernel.
        string status = $"/proc/{cli._process.Id}/status";
        using var deadline = new CancellationTokenSource(s_deadline);
        while (!File.ReadLines(status).Any(HandlesHangUp))
        {
            await Task.Delay(10, deadline.Token);
        }

        return cli;
    }

    /// <summary>Waits for the first byte of output.</summary>
    public async Task UntilOutputAsync()
    {
        using var deadline = new CancellationTokenSource(s_deadline);
        Assert.Equal(1, await _process.StandardOutput.BaseStream.ReadAsync(new byte[1], deadline.Token));
    }

    /// <summary>Sends SIGTERM and waits for the exit code.</summary>
    public Task<int> TerminateAsync() => SignalAsync(15);

    /// <summary>Sends a signal and waits for the exit code.</summary>
    public async Task<int> SignalAsync(int signal)
    {
        Assert.Equal(0, SendSignal(_process.Id, signal));
        using var deadline = new CancellationTokenSource(s_deadline);
        await _process.WaitForExitAsync(deadline.Token);
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

    private static bool HandlesHangUp(string line) =>
        line.StartsWith("SigCgt:", StringComparison.Ordinal)
        && (Convert.ToUInt64(line[7..].Trim(), 16) & 1) != 0;

    private static Cli Start(TestHome home, string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "igor-dht"), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = home.Folder,
            StandardOutputEncoding = Encoding.UTF8,
        };
        SetEnvironment(start, home);
        return new Cli(Process.Start(start)!);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int processId, int signal);
}
