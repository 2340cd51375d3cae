using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Reflection;
using System.Security.Cryptography;
using Igor.Kbr;
using Igor.Kbr.Overlay;
using Igor.Local;
using Igor.Node.Disk;
using Igor.Node.Hosting;
using Igor.Node.Memory;
using Igor.Node.Reporting;
using Igor.Node.Scheduling;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Igor.Node;

/// <summary>
/// A node of the overlay in this process: a place on the ring, TLS connections to peers, and applications
/// attached to it. Thread-safe. There is no thread of the node's own: a call of an application may run
/// upcalls and callbacks, its own too, before it returns, so it must not be made while holding what those
/// wait for.
/// </summary>
public sealed class IgorNode : IKbrHost, ISharingHost
{
    /// <summary>
    /// How often the kernel's round-trip times are read and troubles are looked for, which change slowly, and
    /// ends that stand still, which are given longer.
    /// </summary>
    private static readonly TimeSpan InspectionPeriod = TimeSpan.FromSeconds(5);

    private readonly NodeParts _parts;
    private readonly ILogger _log;
    private readonly MemoryReturn _memory;
    private readonly ITimer _inspections;
    private readonly Lazy<Task> _closing;
    private volatile bool _leaves = true;

    private readonly SharedRead<HostStatus> _status;

    private IgorNode(NodeParts parts, IReadOnlyList<string> addresses, ILogger log)
    {
        _parts = parts;
        _log = log;
        Addresses = [.. addresses];
        _closing = new Lazy<Task>(CloseAsync);
        _status = new SharedRead<HostStatus>(read => parts.Host.ReadAsync((overlay, services) =>
        {
            read();
            return StatusOf(overlay, services);
        }));
        _memory = new MemoryReturn(parts.Host.Bytes);
        _inspections = parts.Options.TimeProvider.CreateTimer(
            _ => Inspect(), null, InspectionPeriod, InspectionPeriod);
    }

    /// <inheritdoc/>
    public Key NodeId => _parts.Identity.NodeId;

    /// <inheritdoc/>
    public NetworkTime Time => _parts.Host.Time;

    /// <summary>
    /// Addresses (host:port) that peers are told to reach this node at; empty when it does not listen.
    /// </summary>
    public ImmutableArray<string> Addresses { get; }

    /// <summary>What the node was started with.</summary>
    public IgorNodeOptions Options => _parts.Options;

    /// <summary>The node's data folder; null when it keeps nothing.</summary>
    public DataFolder? Data => _parts.Folder;

    /// <summary>
    /// What the node holds for peers and applications; an application in its process that holds more for them
    /// takes it from here.
    /// </summary>
    public ByteBudget Bytes => _parts.Host.Bytes;

    /// <summary>What the node's owner should know about its start, for people; null for nothing.</summary>
    public string? Note => _parts.Note;

    /// <summary>Time since the start.</summary>
    public TimeSpan Uptime => _parts.Host.Now;

    /// <summary>
    /// Completes, with how it stands then, when the node is an active member of a ring, has founded one, or
    /// has found that it is alone; canceled when it is closed before.
    /// </summary>
    public Task<RingStanding> Settled => _parts.Host.Settled;

    /// <summary>
    /// Completes, with the cause for people, when the node has to end: another node with the same identity,
    /// as from a copy of the data folder, proved that it was started earlier. Whoever runs the node disposes
    /// it.
    /// </summary>
    public Task<string> Superseded => _parts.Host.Superseded;

    /// <summary>
    /// Completes when the node is an active member of the ring; canceled when it is closed before. A node
    /// that does not join rings (a client) completes it when it is connected.
    /// </summary>
    public Task Joined => _parts.Host.Joined;

    /// <summary>Starts a node. It completes when the node listens and has begun to join.</summary>
    /// <param name="options">Settings.</param>
    /// <param name="loggerFactory">Where to log; null for nowhere.</param>
    /// <param name="cancellationToken">Gives up the start.</param>
    /// <exception cref="NodeStartException">
    /// An option is wrong, the data folder or the address cannot be used; the message says what to do.
    /// </exception>
    public static async Task<IgorNode> StartAsync(
        IgorNodeOptions options,
        ILoggerFactory? loggerFactory = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        IgorNodeOptionsValidator.ThrowIfWrong(options);
        cancellationToken.ThrowIfCancellationRequested();
        ILogger log = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("Igor.Node");
        var parts = new NodeParts(options, log);
        try
        {
            IReadOnlyList<string> addresses = parts.Listen();
            cancellationToken.ThrowIfCancellationRequested();
            var overlay = options.Overlay with
            {
                Network = options.Network,
                Addresses = addresses,
                Bootstrap = options.Bootstrap,
                KnownMembers = parts.KnownMembers,
                Found = options.Found,
            };
            await parts.Host.StartAsync(overlay, Seed()).ConfigureAwait(false);
            var node = new IgorNode(parts, addresses, log);
            NodeLog.Started(
                log,
                node.NodeId,
                options.Network,
                addresses.Count > 0 ? string.Join(", ", addresses) : "nothing");
            return node;
        }
        catch
        {
            await parts.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IKbrService> SubscribeAsync(
        SubscribeOptions options, IKbrApplication application, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(application);
        cancellationToken.ThrowIfCancellationRequested();
        return await _parts.Host.SubscribeAsync(options, application).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<HostStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await _status.ReadAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Leaves the ring and closes everything. Requests that are open end as closed. Takes no longer than the
    /// option LeaveTimeout and a moment.
    /// </summary>
    public async ValueTask DisposeAsync() => await _closing.Value.ConfigureAwait(false);

    /// <inheritdoc/>
    IApplicationShare ISharingHost.OpenShare() =>
        new ApplicationShare(Bytes.Open(HolderKind.Application));

    /// <summary>Dies without a word to anybody, as a crash would.</summary>
    internal async Task KillAsync()
    {
        _leaves = false;
        await _closing.Value.ConfigureAwait(false);
    }

    private HostStatus StatusOf(OverlayNode overlay, IEnumerable<ServiceStatus> services) => new(
        NodeId,
        Options.Network,
        ProgramVersion(),
        Addresses,
        overlay.Ring,
        [.. overlay.Peers],
        [.. services],
        [.. overlay.Troubles],
        overlay.FiguresAt(_parts.Host.Now));

    private static ulong Seed()
    {
        Span<byte> seed = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(seed);
        return BinaryPrimitives.ReadUInt64LittleEndian(seed);
    }

    private static string ProgramVersion()
    {
        string version = typeof(IgorNode).Assembly
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
        int build = version.IndexOf('+', StringComparison.Ordinal);
        return build < 0 ? version : version[..build];
    }

    private void Inspect()
    {
        _parts.Host.Inspect();
        _parts.Host.CloseStalled();
        _memory.Look();
    }

    private async Task CloseAsync()
    {
        await _inspections.DisposeAsync().ConfigureAwait(false);
        if (_leaves)
        {
            await _parts.RememberPeersAsync().ConfigureAwait(false);
        }

        await _parts.Host.CloseAsync(_leaves).ConfigureAwait(false);
        if (_leaves)
        {
            await _parts.Host.Transport.DrainAsync(Options.LeaveTimeout).ConfigureAwait(false);
        }

        await _parts.DisposeAsync().ConfigureAwait(false);
        NodeLog.Stopped(_log, NodeId);
    }
}
