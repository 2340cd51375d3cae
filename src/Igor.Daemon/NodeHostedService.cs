using Igor.Kbr;
using Igor.Local;
using Igor.Node;
using Igor.Node.Reporting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Igor.Daemon;

/// <summary>
/// The node and its local socket as a part of the host. Its start completes when it is clear how the node
/// stands to the ring and applications can attach, so that the service manager is told "ready" at the same
/// moment as standard output.
/// </summary>
internal sealed class NodeHostedService(
    DaemonSettings settings,
    ILoggerFactory loggers,
    CommandStreams streams,
    IHostApplicationLifetime lifetime) : IHostedService
{
    private IgorNode? _node;
    private LocalSocketServer? _server;

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        IgorNodeOptions options = settings.ToNodeOptions();
        if (settings.FindSocket().Note is { } odd)
        {
            DaemonLog.Noted(loggers.CreateLogger("Igor.Daemon"), odd);
        }

        try
        {
            _node = await IgorNode.StartAsync(options, loggers, cancellationToken).ConfigureAwait(false);
            _server = LocalSocketServer.Start(
                _node, settings.ToSocketOptions(options, loggers.CreateLogger("Igor.Local")));
            _node.Data?.Announce(_server.Path);
            await Task.WhenAny(_node.Settled, _node.Superseded).WaitAsync(cancellationToken)
                .ConfigureAwait(false);
            ThrowIfSuperseded();
            RingStanding ring = await _node.Settled.ConfigureAwait(false);
            await streams.WriteLineAsync(
                ReadyLine.Of(_node, ring, _server.Path, settings.Json ?? false), cancellationToken)
                .ConfigureAwait(false);
            _ = EndWhenSupersededAsync(_node);
        }
        catch
        {
            await StopAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Throws when the node has ended because another one has its identity.</summary>
    /// <exception cref="NodeStartException">It has; the message says where the other one is.</exception>
    public void ThrowIfSuperseded()
    {
        if (_node?.Superseded is { IsCompletedSuccessfully: true } superseded)
        {
            throw new NodeStartException(superseded.Result);
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

    private async Task EndWhenSupersededAsync(IgorNode node)
    {
        await node.Superseded.ConfigureAwait(false);
        lifetime.StopApplication();
    }
}
