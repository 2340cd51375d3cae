using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Igor.Kbr;

namespace Igor.EndToEnd.Processes;

/// <summary>
/// A node in a process of its own: igor-dht serve, or igord. It may die and be started again on the same
/// disk. The process is killed when this is disposed, and ends by itself when the test's process is gone.
/// </summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private const int SigTerm = 15;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _program;
    private readonly string[] _command;
    private readonly StringBuilder _log = new();
    private Process? _process;
    private TaskCompletionSource<string> _ready = new();

    private NodeProcess(string program, string[] command, NodeSettings settings)
    {
        _program = program;
        _command = command;
        Settings = settings;
    }

    /// <summary>How it is started, this time or the next.</summary>
    public NodeSettings Settings { get; set; }

    /// <summary>Where its local socket is.</summary>
    public string Socket => Settings.SocketPath;

    /// <summary>Its data folder.</summary>
    public string Data => Settings.Data;

    /// <summary>Where peers reach it.</summary>
    public string Address => Settings.Listen!;

    /// <summary>Its id, known once it was ready.</summary>
    public Key NodeId { get; private set; }

    /// <summary>The process's id.</summary>
    public int ProcessId => _process!.Id;

    /// <summary>Whether the process runs.</summary>
    public bool IsAlive => _process is { HasExited: false };

    /// <summary>What it wrote to its standard output and error, over all its lives.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    /// <summary>A storage node; call <see cref="Start"/>.</summary>
    public static NodeProcess Serve(NodeSettings settings) =>
        new(Programs.IgorDht, ["serve", "--until-input-ends"], settings);

    /// <summary>A daemon; call <see cref="Start"/>.</summary>
    public static NodeProcess Daemon(NodeSettings settings) => new(Programs.Igord, [], settings);

    /// <summary>Starts the process.</summary>
    public void Start()
    {
        Assert.False(IsAlive, "the node runs already");
        _process?.Dispose();
        var ready = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ready = ready;
        _process = new Process
        {
            StartInfo = Programs.Start(_program, [.. _command, .. Settings.Arguments()]),
            EnableRaisingEvents = true,
        };
        _process.OutputDataReceived += (_, line) => Append(line.Data, ready);
        _process.ErrorDataReceived += (_, line) => Append(line.Data, null);
        _process.Exited += (_, _) =>
            ready.TrySetException(new InvalidOperationException("the process ended"));
        _ = ready.Task.ContinueWith(task => task.Exception, TaskScheduler.Default); // observed, whoever waits
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Waits for the line that says that it serves.</summary>
    public async Task UntilReadyAsync()
    {
        try
        {
            string line = await _ready.Task.WaitAsync(s_patience);
            string id = line.Split(' ').Single(
                word => word.StartsWith("node=", StringComparison.Ordinal))[5..];
            Assert.True(Key.TryParse(id, out Key key), line);
            NodeId = key;
        }
        catch (Exception e) when (e is TimeoutException or InvalidOperationException)
        {
            Assert.Fail($"{Path.GetFileName(_program)} did not become ready: {e.Message}. It wrote:\n{Log}");
        }
    }

    /// <summary>Starts the process and waits until it serves.</summary>
    public Task StartAsync()
    {
        Start();
        return UntilReadyAsync();
    }

    /// <summary>Sends SIGKILL; <see cref="UntilExitedAsync"/> waits for the end.</summary>
    public void Kill() => _process!.Kill();

    /// <summary>Kills the process and waits until it is gone.</summary>
    public async Task KillAsync()
    {
        Kill();
        await UntilExitedAsync();
    }

    /// <summary>Asks the process to end (SIGTERM), waits until it has, and returns its exit code.</summary>
    public async Task<int> TerminateAsync()
    {
        Assert.Equal(0, SendSignal(_process!.Id, SigTerm));
        return await UntilExitedAsync();
    }

    /// <summary>Waits until the process has ended and returns its exit code.</summary>
    public async Task<int> UntilExitedAsync()
    {
        using var deadline = new CancellationTokenSource(s_patience);
        try
        {
            await _process!.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{Path.GetFileName(_program)} did not end. It wrote:\n{Log}");
        }

        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (IsAlive)
        {
            await KillAsync();
        }

        _process?.Dispose();
        _process = null;
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int process, int signal);

    private void Append(string? line, TaskCompletionSource<string>? ready)
    {
        if (line is null)
        {
            return;
        }

        lock (_log)
        {
            _log.AppendLine(line);
        }

        if (line.StartsWith("ready ", StringComparison.Ordinal))
        {
            ready?.TrySetResult(line);
        }
    }
}
