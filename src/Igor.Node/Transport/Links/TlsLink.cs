using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Local.Sockets;
using Igor.Node.Addresses;
using Igor.Node.Memory;
using Igor.Node.Scheduling;
using Igor.Node.Transport.Admission;

namespace Igor.Node.Transport.Links;

/// <summary>
/// A TLS connection to a peer that has proved its id. Closing by us lets what was sent go out, tells the
/// other end, and waits a little for it to close too, so that the last frames are not lost to a reset
/// connection.
/// </summary>
internal sealed class TlsLink
{
    private readonly SecuredSocket _secured;
    private readonly bool _isOutbound;
    private readonly TimeSpan _openedAt;
    private readonly IPAddress _source;
    private readonly TimeSpan _lingerTimeout;
    private readonly FrameReader _reader;
    private readonly StallWatch _sending;
    private readonly StallWatch _receiving;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StrangerRates _rates;
    private readonly StrangerRates.Rate _rate;
    private readonly InboundCounters _counters;
    private string? _cause;
    private TimeSpan _heardAt;
    private int _standing = (int)PeerStanding.Unknown;

    /// <summary>Makes a link; nothing is read before <see cref="RunAsync"/>.</summary>
    public TlsLink(
        LinkId id,
        SecuredSocket secured,
        bool isOutbound,
        Strand strand,
        ILinkConsumer consumer,
        ByteAccount account,
        TransportOptions options,
        StrangerRates rates,
        InboundCounters counters)
    {
        Id = id;
        Account = account;
        _isOutbound = isOutbound;
        _openedAt = _heardAt = Now;
        _source = IPEndPoint.TryParse(secured.RemoteAddress, out IPEndPoint? remote)
            ? SourceAddress.Of(remote.Address)
            : IPAddress.None;
        _rates = rates;
        _counters = counters;
        _rate = rates.Open(secured.Peer, _source);
        _secured = secured;
        _lingerTimeout = options.LingerTimeout;
        _reader = new FrameReader(this, secured.Stream, strand, consumer, account, options);
        Writer = new FrameWriter(secured.Stream, options.OutgoingBytesMax, account, Abort);
        _sending = new StallWatch(options.StallTimeout);
        _receiving = new StallWatch(options.StallTimeout);
    }

    /// <summary>The host's name for the link.</summary>
    public LinkId Id { get; }

    /// <summary>The id of the peer.</summary>
    public Key Peer => _secured.Peer;

    /// <summary>host:port of the other end.</summary>
    public string RemoteAddress => _secured.RemoteAddress;

    /// <summary>
    /// What the peer is to this node. Set on the strand, read from anywhere: a moment late does no harm.
    /// </summary>
    public PeerStanding Standing
    {
        get => (PeerStanding)Volatile.Read(ref _standing);
        set
        {
            Volatile.Write(ref _standing, (int)value);
            Work.Class = value >= PeerStanding.Reached ? WorkClass.Member : WorkClass.Stranger;
            Account.SetKind(value == PeerStanding.Member ? HolderKind.Member : HolderKind.Stranger);
        }
    }

    /// <summary>Where the work that its frames are comes from.</summary>
    public WorkSource Work { get; } = new(WorkClass.Stranger);

    /// <summary>What decides whether it keeps its place. Used on the strand only.</summary>
    public LinkPlace Place => new(Peer, _source, Standing, _isOutbound, _openedAt, _heardAt);

    /// <summary>What is held for the peer, whichever of its links it is for.</summary>
    public ByteAccount Account { get; }

    /// <summary>The sending half.</summary>
    public FrameWriter Writer { get; }

    /// <summary>Completes when the link has ended, whoever closed it.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Whether the other end broke the rules of framing.</summary>
    public bool BrokeProtocol => _reader.HasFault;

    /// <summary>Whether the node still knows the link. Used on the strand only.</summary>
    public bool IsOpen { get; set; } = true;

    /// <summary>Whether it was closed, by whomever.</summary>
    public bool HasEnded => Volatile.Read(ref _cause) is not null;

    /// <summary>Whether frames were gathered since the last flush. Used on the strand only.</summary>
    public bool IsDirty { get; set; }

    /// <summary>The TCP connection, for the kernel's figures on it.</summary>
    public Socket Socket => _secured.Socket;

    private bool IsShared => !_isOutbound && Standing < PeerStanding.Reached;

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    /// <summary>
    /// Whether an exception means that a connection is broken, and not that the program is wrong.
    /// </summary>
    public static bool IsBroken(Exception problem) =>
        problem is IOException or SocketException or ObjectDisposedException or InvalidOperationException
            or System.Security.Authentication.AuthenticationException or OperationCanceledException;

    /// <summary>Notes that frames came. Used on the strand only.</summary>
    public void NoteHeard() => _heardAt = Now;

    /// <summary>Whether its peer may send only so much.</summary>
    public bool IsThrottled => Standing != PeerStanding.Member;

    /// <summary>
    /// Frames came that the sender's share has to have room for. A peer that this node dialled is no crowd's:
    /// it shares with none, so that strangers that come cannot keep the node from its answers.
    /// </summary>
    /// <returns>How long to read no more; zero when reading goes on.</returns>
    public TimeSpan Throttle(int frames, int bytes)
    {
        TimeSpan wait = IsThrottled
            ? _rates.Take(_rate, IsShared ? _source : null, Now, frames, bytes)
            : TimeSpan.Zero;
        if (wait > TimeSpan.Zero)
        {
            _counters.CountThrottled();
        }

        return wait;
    }

    /// <summary>Receives frames until the link ends; the result says why it did.</summary>
    public async Task<string> RunAsync()
    {
        try
        {
            Abort(await _reader.RunAsync().ConfigureAwait(false));
            return _cause!;
        }
        finally
        {
            Abort("a bug");
            _rates.Close(Peer, _source);
            _ended.TrySetResult();
        }
    }

    /// <summary>
    /// Closes the link when its other end stands still: takes nothing of what waits for it, or does not go on
    /// with a frame that it has begun.
    /// </summary>
    public void CloseWhenStalled(TimeSpan now)
    {
        (long waiting, long written) = Writer.Progress;
        (long missing, long received) = _reader.Progress;
        if (_sending.IsStalled(now, waiting, written))
        {
            Abort($"it does not read: {waiting} bytes wait for it");
        }
        else if (_receiving.IsStalled(now, missing, received))
        {
            Abort($"it does not go on: a frame lacks {missing} bytes");
        }
    }

    /// <summary>Closes at once; what waits is lost.</summary>
    public void Abort(string cause)
    {
        if (Interlocked.CompareExchange(ref _cause, cause, null) is null)
        {
            _secured.Dispose();
        }
    }

    /// <summary>
    /// Sends what waits, says goodbye, and closes when the other end has or when it takes too long.
    /// </summary>
    public async Task CloseAsync()
    {
        Writer.End();
        try
        {
            await Writer.Drained.WaitAsync(_lingerTimeout).ConfigureAwait(false);
            await _secured.Stream.ShutdownAsync().WaitAsync(_lingerTimeout).ConfigureAwait(false);
            _secured.Socket.Shutdown(SocketShutdown.Send);
            await _ended.Task.WaitAsync(_lingerTimeout).ConfigureAwait(false);
        }
        catch (Exception problem) when (IsBroken(problem) || problem is TimeoutException)
        {
            // The other end is gone or does not read: there is nobody to say goodbye to.
        }

        Abort("closed by this node");
    }
}

/// <summary>A connection after the TLS handshake.</summary>
/// <param name="Socket">The TCP connection.</param>
/// <param name="Stream">The TLS stream on it.</param>
/// <param name="Peer">The id that the other end's certificate proves.</param>
/// <param name="RemoteAddress">host:port of the other end.</param>
internal sealed record SecuredSocket(
    Socket Socket, SslStream Stream, Key Peer, string RemoteAddress) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Socket.Dispose();
        Stream.Dispose();
    }
}
