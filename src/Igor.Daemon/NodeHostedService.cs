using Igor.Kbr;
using Igor.Node;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Igor.Daemon;

/// <summary>
/// The node and its local socket as a part of the host. Its start completes when it is clear how the node
/// stands to the ring and applications can attach, so that the service manager is told "ready" at the same
/// moment as standard output.
/// </summary>
internal sealed class NodeHostedService(
    DaemonSettings settings, ILoggerFactory loggers, CommandStreams streams) : IHostedService
{
    private IgorNode? _node;
    private LocalSocketServer? _server;

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        IgorNodeOptions options = settings.ToNodeOptions();
        settings.FindSocket(out string? odd);
        if (odd is not null)
        {
            DaemonLog.Noted(loggers.CreateLogger("Igor.Daemon"), odd);
        }

        try
        {
            _node = await IgorNode.StartAsync(options, loggers, cancellationToken).ConfigureAwait(false);
            _server = LocalSocketServer.Start(
                _node, settings.ToSocketOptions(options, loggers.CreateLogger("Igor.Node.LocalSocket")));
            RingStanding ring = await _node.Settled.WaitAsync(cancellationToken).ConfigureAwait(false);
            await streams.WriteLineAsync(
                ReadyLine.Of(_node, ring, _server.Path, settings.Json ?? false), cancellationToken)
                .ConfigureAwait(false);
        }
        catch
        {
            await StopAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_server is { } server)
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }

        if (_node is { } node)
        {
            await node.DisposeAsync().ConfigureAwait(false);
        }
    }
}
