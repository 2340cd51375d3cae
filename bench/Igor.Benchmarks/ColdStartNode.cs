using System.Diagnostics;
using Igor.Client;
using Igor.Dht;
using Igor.Kbr;

namespace Igor.Benchmarks;

/// <summary>A storage node in a process of its own, and this process's view of it.</summary>
internal sealed class ColdStartNode(string program, string folder, int port) : IAsyncDisposable
{
    private const string Network = "cold-start";

    private readonly string _socket = Path.Combine(folder, "igor.sock");
    private Process? _process;
    private IgorClient? _client;

    /// <summary>Where others reach it.</summary>
    public string Address { get; } = $"127.0.0.1:{port}";

    /// <summary>Its id; known once its local socket is there.</summary>
    public Key Id => _client!.NodeId;

    /// <summary>Processor time that it has taken.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process!.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Starts the process.</summary>
    public void Start(string? bootstrap)
    {
        List<string> arguments =
            ["serve", "--until-input-ends", "--network", Network, "--data", folder, "--listen", Address];
        arguments.AddRange(bootstrap is null ? ["--socket", _socket]
            : ["--socket", _socket, "--bootstrap", bootstrap]);
        _process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true, // its end tells the node to go
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _process.BeginErrorReadLine(); // what it says of being alone meanwhile is no news
    }

    /// <summary>Waits until it runs: until somebody may attach to it, while it joins.</summary>
    public async Task UntilRunningAsync(TimeSpan pause, CancellationToken stop)
    {
        var options = new IgorClientOptions
        {
            SocketPath = _socket,
            ConnectTimeout = TimeSpan.FromMinutes(1),
        };
        while ((_client = await IgorClient.TryConnectAsync(options, stop).ConfigureAwait(false)) is null)
        {
            await Task.Delay(pause, stop).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until it says that it serves.</summary>
    public async Task UntilReadyAsync(CancellationToken stop)
    {
        string? line = await _process!.StandardOutput.ReadLineAsync(stop).ConfigureAwait(false);
        if (line?.StartsWith("ready ", StringComparison.Ordinal) != true)
        {
            throw new InvalidOperationException($"{program} is not ready: {line ?? "it ended"}");
        }
    }

    /// <summary>Waits until its neighbours are those of the ring that all nodes make.</summary>
    public async Task UntilPlacedAsync(IReadOnlyList<Key> ring, TimeSpan pause, CancellationToken stop)
    {
        while (!IsPlaced(ring, await _client!.GetStatusAsync(stop).ConfigureAwait(false)))
        {
            await Task.Delay(pause, stop).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.DisposeAsync().ConfigureAwait(false);
        }

        if (_process is not null)
        {
            _process.StandardInput.Close();
            await _process.WaitForExitAsync().ConfigureAwait(false);
            _process.Dispose();
        }
    }

    /// <summary>Whether each side of it is what the ids of all nodes say, as far as it is known.</summary>
    private static bool IsPlaced(IReadOnlyList<Key> ring, HostStatus status)
    {
        NeighbourSet? set =
            status.Services.FirstOrDefault(one => one.Name == IgorDht.ServiceName)?.Neighbours;
        if (!status.IsJoined || set is null || !set.IsMember)
        {
            return false;
        }

        int at = ring.ToList().IndexOf(status.NodeId);
        int perSide = Math.Min(8, ring.Count - 1);
        return set.Others.Distinct().Count() == Math.Min(2 * perSide, ring.Count - 1)
            && IsRun(set.Clockwise, step => ring[(at + step) % ring.Count])
            && IsRun(set.CounterClockwise, step => ring[(at - step + ring.Count) % ring.Count]);
    }

    private static bool IsRun(IReadOnlyList<Key> side, Func<int, Key> expected) =>
        side.Select((id, i) => id == expected(i + 1)).All(isRight => isRight);
}
