using Igor.Kbr;
using Igor.Node.Addresses;
using Igor.Node.Disk;
using Igor.Node.Hosting;
using Igor.Node.Identity;
using Igor.Node.Memory;
using Igor.Node.Reporting;
using Igor.Node.Transport.Links;
using Microsoft.Extensions.Logging;

namespace Igor.Node;

/// <summary>
/// What a node is made of, in the order in which it is opened; closed in the opposite order.
/// </summary>
internal sealed class NodeParts : IAsyncDisposable
{
    private readonly PeerCache? _cache;
    private readonly PeerCacheKeeper? _keeper;
    private readonly NodeMetrics _metrics;

    /// <summary>Opens folder, identity and cache, and makes the host. Nothing listens yet.</summary>
    /// <exception cref="NodeStartException">The data folder cannot be used; the message says why.</exception>
    public NodeParts(IgorNodeOptions options, ILogger log)
    {
        Options = options;
        try
        {
            Folder = options.DataFolder is { } path ? DataFolder.Open(path) : null;
            Note = Folder is null ? null : BindNetwork(Folder, options.Network);
            Identity = Folder is null ? NodeIdentity.CreateEphemeral() : NodeIdentity.LoadOrCreate(Folder);
        }
        catch
        {
            Folder?.Dispose();
            throw;
        }

        if (Note is not null)
        {
            NodeLog.Noted(log, Note);
        }

        Host = new OverlayHost(
            Identity,
            TransportOf(options),
            new ByteBudget(options.HeldBytesMax),
            options.QueueMax,
            options.TimeProvider,
            log);
        _metrics = new NodeMetrics(Identity.NodeId, Host);
        if (Folder is not null)
        {
            _cache = PeerCache.Load(Folder, log);
            _keeper = new PeerCacheKeeper(_cache, KnownMembersAsync, options.TimeProvider);
            Host.PeersChanged = _keeper.NoteChange;
        }
    }

    /// <summary>What the node was started with.</summary>
    public IgorNodeOptions Options { get; }

    /// <summary>The data folder; null when nothing is kept.</summary>
    public DataFolder? Folder { get; }

    /// <summary>What its owner should know about the start, for people; null for nothing.</summary>
    public string? Note { get; }

    /// <summary>Who the node is.</summary>
    public NodeIdentity Identity { get; }

    /// <summary>What drives the overlay node.</summary>
    public OverlayHost Host { get; }

    /// <summary>Members of the ring known from an earlier run.</summary>
    public IReadOnlyList<KnownMember> KnownMembers => _cache?.Members ?? [];

    /// <summary>Binds the address to listen on.</summary>
    /// <returns>The addresses that peers are told.</returns>
    /// <exception cref="NodeStartException">The address cannot be used; the message says why.</exception>
    public IReadOnlyList<string> Listen()
    {
        if (HostPort.TryParse(Options.Listen, out HostPort address))
        {
            Host.Transport.Bind(address);
        }

        return Options.Advertise.Count > 0
            ? Options.Advertise
            : AdvertisedAddresses.Of(Host.Transport.EndPoint);
    }

    /// <summary>Writes the peer cache now.</summary>
    public Task RememberPeersAsync() => _keeper?.WriteAsync() ?? Task.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Host.Transport.DisposeAsync().ConfigureAwait(false);
        if (_keeper is { } keeper)
        {
            await keeper.DisposeAsync().ConfigureAwait(false);
        }

        Host.Dispose();
        _metrics.Dispose();
        Identity.Dispose();
        Folder?.Dispose();
    }

    private static string? BindNetwork(DataFolder folder, string network)
    {
        if (FolderNetwork.Check(folder.Path, network))
        {
            return null;
        }

        bool isOld = DataFolder.HoldsIdentity(folder.Path);
        try
        {
            FolderNetwork.Bind(folder.Path, network);
        }
        catch (NodeStartException) when (isOld)
        {
            // A disk that takes nothing: what a node of before left there can be served all the same.
            return $"the data folder {folder.Path} names no network, and its disk does not let it be named";
        }

        return isOld
            ? $"the data folder {folder.Path} named no network; from now on it belongs to '{network}'"
            : null;
    }

    private static TransportOptions TransportOf(IgorNodeOptions options) => new()
    {
        ConnectTimeout = options.ConnectTimeout,
        HandshakeTimeout = options.HandshakeTimeout,
        FirstBytesTimeout = options.FirstBytesTimeout,
        PendingConnectionsMax = options.PendingConnectionsMax,
        HandshakesMax = options.HandshakesMax,
        HandshakesPerSecondMax = options.HandshakesPerSecondMax,
        StrangerFramesPerSecond = options.StrangerFramesPerSecond,
        StrangerBytesPerSecond = options.StrangerBytesPerSecond,
        ConnectionsMax = options.ConnectionsMax,
        OutgoingBytesMax = options.OutgoingBytesMax,
        StallTimeout = options.StallTimeout,
        FrameBytesMax = options.Overlay.FrameBytesMax,
    };

    private async Task<IReadOnlyList<KnownMember>?> KnownMembersAsync()
    {
        try
        {
            return await Host.ReadAsync((overlay, _) => overlay.KnownMembers).ConfigureAwait(false);
        }
        catch (KbrException)
        {
            return null; // the node was closed meanwhile
        }
    }
}
