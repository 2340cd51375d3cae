using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Igor.Testing;

/// <summary>
/// A real program that runs beside a test: what it writes is kept, and it is killed at the end if it still
/// runs then.
/// </summary>
public sealed class TestProcess : IDisposable
{
    private readonly List<string> _output = [];
    private readonly List<string> _errors = [];
    private readonly List<string> _log = [];
    private readonly Process _process;

    private TestProcess(ProcessStartInfo start, bool takesOutput)
    {
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        _process.Start();
        if (takesOutput)
        {
            _process.BeginOutputReadLine();
        }

        _process.BeginErrorReadLine();
    }

    /// <summary>The process's id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>The lines of its standard output so far.</summary>
    public IReadOnlyList<string> Output => Copy(_output);

    /// <summary>The lines of its standard error so far.</summary>
    public IReadOnlyList<string> Errors => Copy(_errors);

    /// <summary>The lines of both so far, as they came.</summary>
    public IReadOnlyList<string> Log => Copy(_log);

    /// <summary>
    /// How to start a program: all streams redirected, and nothing taken from this process's settings.
    /// </summary>
    public static ProcessStartInfo StartOf(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string variable in start.Environment.Keys.Where(
            name => name.StartsWith("IGOR_", StringComparison.Ordinal) || name == "NOTIFY_SOCKET").ToArray())
        {
            start.Environment.Remove(variable);
        }

        // Programs find their runtime by this, wherever it is installed: it is the one that runs the tests.
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(
            Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        return start;
    }

    /// <summary>Starts a program.</summary>
    /// <param name="start">How.</param>
    /// <param name="takesOutput">Whether anybody reads its standard output.</param>
    public static TestProcess Start(ProcessStartInfo start, bool takesOutput = true) =>
        new(start, takesOutput);

    /// <summary>
    /// Runs a program to its end; one that hangs is killed, with its children, and fails the test.
    /// </summary>
    /// <param name="start">How.</param>
    /// <param name="input">What it finds on its standard input; null keeps that open without a word.</param>
    /// <param name="patience">How long it may take; <see cref="Eventually.Patience"/> when not given.</param>
    public static async Task<ProcessResult> RunAsync(
        ProcessStartInfo start, byte[]? input = null, TimeSpan? patience = null)
    {
        long started = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(patience ?? Eventually.Patience);
        try
        {
            Task<string> errors = process.StandardError.ReadToEndAsync(deadline.Token);
            Task writing = WriteAsync(process.StandardInput.BaseStream, input, deadline.Token);
            var output = new MemoryStream();
            TimeSpan firstByte = TimeSpan.Zero;
            byte[] buffer = new byte[64 * 1024];
            Stream from = process.StandardOutput.BaseStream;
            while (await from.ReadAsync(buffer, deadline.Token) is int read and > 0)
            {
                firstByte = firstByte == TimeSpan.Zero ? Stopwatch.GetElapsedTime(started) : firstByte;
                output.Write(buffer, 0, read);
            }

            await process.WaitForExitAsync(deadline.Token);
            await writing;
            TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
            return new ProcessResult(
                process.ExitCode, output.ToArray(), await errors, firstByte, elapsed);
        }
        catch (OperationCanceledException)
        {
            string command = $"{Path.GetFileName(start.FileName)} {string.Join(' ', start.ArgumentList)}";
            Assert.Fail($"{command} hung for {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s");
            throw;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    /// <summary>Waits for a line of output; fails when the program ends without it.</summary>
    /// <param name="start">How the line begins.</param>
    public async Task<string> LineAsync(string start)
    {
        string? Find() => Output.FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal));
        await Eventually.HoldsAsync(
            () => Task.FromResult(Find() is not null || HasExited ? null : string.Join('\n', Log)),
            $"{Path.GetFileName(_process.StartInfo.FileName)} writes a line with '{start}'");
        if (Find() is null)
        {
            await ExitAsync(); // and its last lines
        }

        return Find() ?? throw new InvalidOperationException(
            $"It ended without '{start}': {string.Join('\n', Log)}");
    }

    /// <summary>Waits for the first byte of the output that nobody takes.</summary>
    public async Task UntilOutputAsync() => Assert.Equal(
        1,
        await Eventually.CompletesAsync(
            _process.StandardOutput.BaseStream.ReadAsync(new byte[1]).AsTask(), "output"));

    /// <summary>Ends its standard input.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Sends a signal.</summary>
    public void Signal(int signal) => Assert.Equal(0, SendSignal(_process.Id, signal));

    /// <summary>Sends a signal, waits for the end, and returns the exit code.</summary>
    public Task<int> EndAsync(int signal)
    {
        Signal(signal);
        return ExitAsync();
    }

    /// <summary>Waits for its end and returns the exit code.</summary>
    public async Task<int> ExitAsync()
    {
        await Eventually.CompletesAsync(
            _process.WaitForExitAsync(), $"the end of {Path.GetFileName(_process.StartInfo.FileName)}");
        return _process.ExitCode;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static async Task WriteAsync(Stream stream, byte[]? input, CancellationToken cancellation)
    {
        if (input is null)
        {
            return;
        }

        try
        {
            await stream.WriteAsync(input, cancellation);
            stream.Close();
        }
        catch (IOException)
        {
            // It ended without reading its input, as a command with a mistake does.
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int process, int signal);

    private void Keep(List<string> lines, string? line)
    {
        if (line is not null)
        {
            lock (_log)
            {
                lines.Add(line);
                _log.Add(line);
            }
        }
    }

    private string[] Copy(List<string> lines)
    {
        lock (_log)
        {
            return [.. lines];
        }
    }
}
