using System.Diagnostics;
using Igor.Dht.Cli.Failures;

namespace Igor.Dht.Cli.Demo;

/// <summary>
/// A node of the demonstration: this program as "serve", in a process and a data folder of its own.
/// </summary>
internal sealed class DemoNode : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    private DemoNode(int number, string data, Process process)
    {
        Number = number;
        Data = data;
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>1 for the first.</summary>
    public int Number { get; }

    /// <summary>Its data folder, in which its local socket is.</summary>
    public string Data { get; }

    /// <summary>Where other nodes reach it, once it is ready.</summary>
    public string Address { get; private set; } = string.Empty;

    /// <summary>The local socket.</summary>
    public string Socket => Path.Combine(Data, "igor.sock");

    /// <summary>Starts a node; it leaves when this process ends, however it ends.</summary>
    public static DemoNode Start(int number, string folder, string network, string? bootstrap)
    {
        string data = Path.Combine(folder, $"node{number}");
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in (string[])
        [
            "serve", "--until-input-ends", "--data", data, "--socket", Path.Combine(data, "igor.sock"),
            "--listen", "127.0.0.1:0", "--network", network,
        ])
        {
            start.ArgumentList.Add(argument);
        }

        if (bootstrap is not null)
        {
            start.ArgumentList.Add("--bootstrap");
            start.ArgumentList.Add(bootstrap);
        }

        start.Environment.Remove("IGOR_BOOTSTRAP");
        start.Environment["DOTNET_TieredCompilation"] = "0"; // as eng/launch does for a node
        return new DemoNode(number, data, Process.Start(start)!);
    }

    /// <summary>Waits for the line that says that the node serves.</summary>
    /// <exception cref="CommandFailure">The process ended instead.</exception>
    public async Task UntilReadyAsync(CancellationToken cancellation)
    {
        while (await _process.StandardOutput.ReadLineAsync(cancellation).ConfigureAwait(false) is { } line)
        {
            if (line.Split(' ') is ["ready", var address, ..])
            {
                Address = address;
                return;
            }
        }

        string errors = await _errors.ConfigureAwait(false);
        throw CommandFailure.Local($"node {Number} did not start: {errors.Trim()}");
    }

    /// <summary>Ends the process without warning (SIGKILL) and waits until it is gone.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Ends the process if it still runs.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }
}
