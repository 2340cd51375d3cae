using System.Net.Sockets;

namespace Igor.Client.Tests;

/// <summary>A client that lost its daemon and comes back to it.</summary>
public sealed class ReconnectionTests
{
    [Fact]
    public async Task Failure_of_any_kind_does_not_end_the_attempts()
    {
        var options = new IgorClientOptions { ReconnectDelay = TimeSpan.FromMilliseconds(1) };
        int attempts = 0;
        await Reconnection.RunAsync(
            options,
            _ => ++attempts < 3
                ? throw new SocketException((int)SocketError.TooManyOpenSockets)
                : Task.FromResult<DaemonConnection>(null!),
            CancellationToken.None);
        Assert.Equal(3, attempts);
    }
}
