using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Node.Addresses;
using Igor.Node.Identity;
using Igor.Node.Memory;
using Igor.Node.Reporting;
using Igor.Node.Scheduling;
using Igor.Node.Transport.Admission;
using Igor.Node.Transport.Inbound;
using Igor.Node.Transport.Links;
using Microsoft.Extensions.Logging;

namespace Igor.Node.Transport;

/// <summary>
/// The links of a node: listening, dialling, sending and closing. What it tells its consumer, and what it is
/// asked for (<see cref="Dial"/>, <see cref="Send"/>, <see cref="Close"/>, <see cref="Flush"/>), happens on
/// the strand; bytes move outside of it.
/// </summary>
internal sealed partial class TlsTransport : IAsyncDisposable
{
    private readonly Dictionary<LinkId, TlsLink> _links = [];
    private readonly List<TlsLink> _dirty = [];
    private readonly ConcurrentDictionary<LinkId, TlsLink> _living = new(); // closing ones included
    private readonly CancellationTokenSource _stopping = new();
    private readonly TransportOptions _options;
    private readonly Strand _strand;
    private readonly ILinkConsumer _consumer;
    private readonly NodeCounters _counters;
    private readonly ByteBudget _bytes;
    private readonly ILogger _log;
    private readonly TlsHandshake _handshake;
    private readonly TlsDialer _dialer;
    private readonly StrangerRates _rates;
    private InboundConnections? _inbound;
    private TlsListener? _listener;
    private long _lastLink;
    private int _dials;

    /// <summary>Makes a transport that does nothing yet.</summary>
    public TlsTransport(
        NodeIdentity identity,
        TransportOptions options,
        Strand strand,
        ILinkConsumer consumer,
        NodeCounters counters,
        ByteBudget bytes,
        ILogger log)
    {
        _bytes = bytes;
        _options = options;
        _strand = strand;
        _consumer = consumer;
        _counters = counters;
        _log = log;
        _rates = new StrangerRates(
            options.StrangerFramesPerSecond, options.StrangerBytesPerSecond);
        _handshake = new TlsHandshake(identity);
        _dialer = new TlsDialer(_handshake, options);
    }

    /// <summary>Where the transport listens; null when it does not.</summary>
    public IPEndPoint? EndPoint => _listener?.EndPoint;

    /// <summary>Number of connections, handshakes included.</summary>
    public int Connections => _living.Count + Volatile.Read(ref _dials) + (_inbound?.Count ?? 0);

    /// <summary>Running totals of what was refused.</summary>
    public InboundCounters Inbound { get; } = new();

    /// <summary>The links that the consumer knows. Used on the strand only.</summary>
    public IReadOnlyCollection<TlsLink> Links => _links.Values;

    /// <summary>Binds an address; connections are accepted after <see cref="StartAccepting"/>.</summary>
    /// <exception cref="NodeStartException">The address cannot be used; the message says why.</exception>
    public void Bind(HostPort address)
    {
        var inbound = new InboundConnections(
            _handshake, _options, Inbound, secured => PostOpened(secured, null, default), _log);
        try
        {
            _listener = TlsListener.Bind(address, inbound, _log);
            _inbound = inbound;
        }
        catch
        {
            inbound.Dispose();
            throw;
        }
    }

    /// <summary>Begins to accept connections.</summary>
    public void StartAccepting() => _listener?.Start();

    /// <summary>Starts to connect; the consumer hears how it ended.</summary>
    public void Dial(DialId dial, Key? expected, ImmutableArray<string> addresses)
    {
        if (_dials >= _options.HandshakesMax)
        {
            _strand.Post(_ => _consumer.DialFailed(dial, "too many connections"), this);
            return;
        }

        _dials++;
        _ = DialAsync(dial, expected, addresses);
    }

    /// <summary>Gathers a frame; it leaves with the next <see cref="Flush"/>.</summary>
    /// <returns>False when the link is gone or too much waits on it.</returns>
    public bool Send(LinkId id, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        if (!_links.TryGetValue(id, out TlsLink? link) || !link.Writer.TryAppend(header, payload))
        {
            return false;
        }

        _counters.CountSent(header.Length + payload.Length + FrameWriter.LengthBytes);
        if (!link.IsDirty)
        {
            link.IsDirty = true;
            _dirty.Add(link);
        }

        return true;
    }

    /// <summary>Notes what the node says that a link's peer is to it.</summary>
    public void SetStanding(LinkId id, PeerStanding standing)
    {
        if (_links.TryGetValue(id, out TlsLink? link))
        {
            link.Standing = standing;
            NoteMembers();
        }
    }

    /// <summary>Closes a link once what was sent on it has gone out.</summary>
    public void Close(LinkId id)
    {
        if (_links.Remove(id, out TlsLink? link))
        {
            NoteMembers();
            link.IsOpen = false;
            _ = link.CloseAsync();
        }
    }

    /// <summary>Sends what was gathered.</summary>
    public void Flush()
    {
        foreach (TlsLink link in _dirty)
        {
            link.IsDirty = false;
            link.Writer.Flush();
        }

        _dirty.Clear();
    }

    /// <summary>Closes links whose other ends stand still.</summary>
    public void CloseStalled(TimeSpan now)
    {
        foreach (TlsLink link in _links.Values)
        {
            link.CloseWhenStalled(now);
        }
    }

    /// <summary>Waits until all links have ended, at most for a time.</summary>
    public async Task DrainAsync(TimeSpan patience)
    {
        try
        {
            await AllEnded().WaitAsync(patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            NodeLog.LeaveUnfinished(_log, _living.Count);
        }
    }

    /// <summary>Stops listening and dialling, and closes all links at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (_listener is { } listener)
        {
            await listener.DisposeAsync().ConfigureAwait(false);
        }

        foreach (TlsLink link in _living.Values)
        {
            link.Abort("the node is closed");
        }

        await AllEnded().ConfigureAwait(false);
    }

    private Task AllEnded() => Task.WhenAll(_living.Values.Select(link => link.Ended));

    private async Task DialAsync(DialId dial, Key? expected, ImmutableArray<string> addresses)
    {
        // Off the strand, which has other work.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        DialOutcome outcome;
        try
        {
            outcome = await _dialer.DialAsync(expected, addresses, _stopping.Token).ConfigureAwait(false);
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            NodeLog.Bug(_log, problem); // whatever it is, the attempt must end and free its place
            outcome = DialOutcome.Failed(problem.Message);
        }

        if (outcome.Secured is { } secured)
        {
            PostOpened(secured, dial, outcome.Progress);
            return;
        }

        _strand.Post(
            _ =>
            {
                _dials--;
                _consumer.DialFailed(dial, outcome.Cause);
            },
            this);
    }

    private void PostOpened(SecuredSocket secured, DialId? dial, DialProgress progress) =>
        _strand.Post(_ => Open(secured, dial, progress), this);

    private void Open(SecuredSocket secured, DialId? dial, DialProgress progress)
    {
        if (dial is not null)
        {
            _dials--;
        }

        // A link that this node wants itself takes a place beyond those when members have them all.
        if (_stopping.IsCancellationRequested || (!TryMakeRoom(secured) && dial is null))
        {
            secured.Dispose();
            return;
        }

        var link = new TlsLink(
            new LinkId(++_lastLink),
            secured,
            dial is not null,
            _strand,
            _consumer,
            _bytes.Attach(secured.Peer, secured.RemoteAddress),
            _options,
            _rates,
            Inbound);
        _links.Add(link.Id, link);
        _living[link.Id] = link;
        _ = RunAsync(link); // what comes of it is told on the strand, so after this
        try
        {
            _consumer.LinkOpened(link, dial, progress);
        }
        catch
        {
            link.Abort("the node could not take it up");
            throw;
        }

        if (_stopping.IsCancellationRequested)
        {
            link.Abort("the node is closed"); // it was not in the table when the others were closed
        }
    }

    private async Task RunAsync(TlsLink link)
    {
        // Off the strand, which has other work.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        string cause;
        try
        {
            cause = await link.RunAsync().ConfigureAwait(false);
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            NodeLog.Bug(_log, problem); // whatever it is, the node must hear that the link is gone
            cause = problem.Message;
        }

        _living.TryRemove(link.Id, out _);
        _bytes.Detach(link.Account);
        _strand.Post(
            _ =>
            {
                if (_links.Remove(link.Id))
                {
                    NoteMembers();
                    link.IsOpen = false;
                    _consumer.LinkClosed(link, cause);
                }
            },
            this);
    }
}
