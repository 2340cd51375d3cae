using Igor.Kbr;
using Igor.Testing;

namespace Igor.EndToEnd.Processes;

/// <summary>
/// A node in a process of its own: igor-dht serve, or igord. It may die and be started again on the same
/// disk. The process is killed when this is disposed, and ends by itself when the test's process is gone.
/// </summary>
internal sealed class NodeProcess : IDisposable
{
    private readonly string _program;
    private readonly string[] _command;
    private readonly List<string> _earlierLives = [];
    private TestProcess? _process;

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
    public string Log => string.Join('\n', _earlierLives.Concat(_process?.Log ?? []));

    /// <summary>A storage node; call <see cref="Start"/>.</summary>
    public static NodeProcess Serve(NodeSettings settings) =>
        new(Programs.IgorDht, ["serve", "--until-input-ends"], settings);

    /// <summary>A daemon; call <see cref="Start"/>.</summary>
    public static NodeProcess Daemon(NodeSettings settings) => new(Programs.Igord, [], settings);

    /// <summary>Starts the process.</summary>
    public void Start()
    {
        Assert.False(IsAlive, "the node runs already");
        Forget();
        _process = TestProcess.Start(TestProcess.StartOf(_program, [.. _command, .. Settings.Arguments()]));
    }

    /// <summary>Waits for the line that says that it serves.</summary>
    public async Task UntilReadyAsync()
    {
        string line = await _process!.LineAsync("ready ");
        string id = line.Split(' ').Single(word => word.StartsWith("node=", StringComparison.Ordinal))[5..];
        Assert.True(Key.TryParse(id, out Key key), line);
        NodeId = key;
    }

    /// <summary>Starts the process and waits until it serves.</summary>
    public Task StartAsync()
    {
        Start();
        return UntilReadyAsync();
    }

    /// <summary>Sends SIGKILL; <see cref="UntilExitedAsync"/> waits for the end.</summary>
    public void Kill() => _process!.Signal(Signals.Kill);

    /// <summary>Kills the process and waits until it is gone.</summary>
    public Task KillAsync() => _process!.EndAsync(Signals.Kill);

    /// <summary>Asks the process to end (SIGTERM), waits until it has, and returns its exit code.</summary>
    public Task<int> TerminateAsync() => _process!.EndAsync(Signals.Terminate);

    /// <summary>Waits until the process has ended and returns its exit code.</summary>
    public Task<int> UntilExitedAsync() => _process!.ExitAsync();

    public void Dispose() => Forget();

    private void Forget()
    {
        _earlierLives.AddRange(_process?.Log ?? []);
        _process?.Dispose();
        _process = null;
    }
}
