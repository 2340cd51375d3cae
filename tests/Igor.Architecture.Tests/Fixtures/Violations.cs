using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Igor.Architecture.Tests.Fixtures;

// Code that breaks the rules in the ways they forbid: the checker has to report each of them. Never run.
#pragma warning disable CA1822, CA2211, CA1812, CA5394, CA1848, CA2254, CA1873, CA2000, CA1001, CS0649

internal sealed class Clocks
{
    public long Now() => DateTime.UtcNow.Ticks + Stopwatch.GetTimestamp() + Environment.TickCount64;
}

internal sealed class Waiting
{
    private readonly Timer _timer = new(_ => { });

    // Inside an asynchronous method and a lambda, whose code the compiler moves to types of its own.
    public async Task WaitAsync()
    {
        await Task.Delay(1);
        Action sleep = () => Thread.Sleep(1);
        sleep();
        await _timer.DisposeAsync();
    }
}

internal sealed class Chance
{
    public int Draw() => new Random().Next() + Random.Shared.Next() + Guid.NewGuid().GetHashCode();
}

internal sealed class Machine(ILogger logger)
{
    public static int Count;

    public string? Read()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        logger.LogInformation("read");
        return File.ReadAllText("/etc/hostname") + Environment.GetEnvironmentVariable("HOME");
    }
}
