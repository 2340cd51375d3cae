using System.Diagnostics;
using Igor.Kbr;

namespace Igor.Trial.Lab;

/// <summary>A process that serves the DHT, on a host of its own.</summary>
internal sealed class TrialNode(string program, string folder, int index, LabHost host, Action<string> ended)
    : IDisposable
{
    private static readonly TimeSpan s_leavesWithin = TimeSpan.FromSeconds(20);
    private readonly SemaphoreSlim _gate = new(1);
    private readonly string _log = Path.Combine(folder, $"n{index}.log");
    private Process? _process;
    private bool _isAskedToEnd;

    public int Index => index;

    public LabHost Host => host;

    /// <summary>Its place on the ring; none before it was asked.</summary>
    public Key? Id { get; set; }

    public string Socket { get; } = Path.Combine(folder, $"s{index}.sock");

    public string Data => Path.Combine(host.Disk, "data");

    /// <summary>How many processes it was; what a client holds of one means nothing to the next.</summary>
    public int Life { get; private set; }

    public bool WasStarted => Life > 0;

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>
    /// Starts it, after the process before has ended; nothing when it runs and was not told to end.
    /// </summary>
    public async Task StartAsync(IEnumerable<int> bootstrap)
    {
        await _gate.WaitAsync();
        try
        {
            if (IsRunning && !_isAskedToEnd)
            {
                return;
            }

            await EndedAsync();
            StartProcess(bootstrap);
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Kill()
    {
        _isAskedToEnd = true;
        Signal(Tool.SigKill);
        _process?.WaitForExit();
    }

    /// <summary>Asks it to leave in order; returns how long that took.</summary>
    public async Task<TimeSpan> LeaveAsync()
    {
        long start = Stopwatch.GetTimestamp();
        Process? leaving = _process;
        _isAskedToEnd = true;
        Signal(Tool.SigTerm);
        if (leaving is not null)
        {
            await leaving.WaitForExitAsync();
            if (leaving.ExitCode is not 0 and not (128 + Tool.SigKill))
            {
                ended($"node {index} left with exit code {leaving.ExitCode}");
            }
        }

        return Stopwatch.GetElapsedTime(start);
    }

    public void Signal(int signal)
    {
        if (IsRunning)
        {
            Tool.Signal(_process!.Id, signal);
        }
    }

    public void Dispose()
    {
        Kill();
        _process?.Dispose();
        _gate.Dispose();
        host.Dispose();
    }

    // One that was told to leave gets its time.
    private async Task EndedAsync()
    {
        if (_process is { HasExited: false } ending)
        {
            using var patience = new CancellationTokenSource(s_leavesWithin);
            try
            {
                await ending.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                ended($"node {index} did not leave within {s_leavesWithin.TotalSeconds} s");
                Kill();
            }
        }
    }

    private void StartProcess(IEnumerable<int> bootstrap)
    {
        // In a session of its own, as a service is: the kernel shares processors among sessions.
        string[] serve =
        [
            $"--net=/run/netns/{LabNetwork.NameOf(index)}", "setsid", program, "serve", "--until-input-ends",
            "--data", Data, "--socket", Socket, "--listen", $"{LabNetwork.AddressOf(index)}:7000",
            "--network", "trial", "--vote-after", "5s",
            .. bootstrap.SelectMany(
                other => (string[])["--bootstrap", $"{LabNetwork.AddressOf(other)}:7000"]),
        ];
        var start = new ProcessStartInfo("nsenter", serve)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string? value) in host.ClockEnvironment)
        {
            start.Environment[name] = value;
        }

        Life++;
        _isAskedToEnd = false;
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        process.Exited += (_, _) =>
        {
            if (!_isAskedToEnd)
            {
                ended($"node {index} ended by itself with exit code {process.ExitCode}");
            }
        };
        process.Start();
        _process = process;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    private void Note(string? line)
    {
        if (line is not null)
        {
            lock (_gate)
            {
                File.AppendAllText(_log, $"{DateTime.UtcNow:HH:mm:ss.fff} {Life} {line}\n");
            }
        }
    }
}
