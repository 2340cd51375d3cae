using System.Collections.Concurrent;
using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Node.Addresses;
using Igor.Node.Identity;
using Igor.Node.Memory;
using Igor.Node.Reporting;
using Igor.Node.Scheduling;
using Igor.Node.Transport;
using Igor.Node.Transport.Links;
using Igor.Testing;
using Microsoft.Extensions.Logging;

namespace Igor.Node.Tests;

/// <summary>One end of the transport: records what it hears, and answers frames as a test wants.</summary>
internal sealed class LinkRecorder : ILinkConsumer, IAsyncDisposable
{
    private readonly Strand _strand;
    private readonly NodeIdentity _identity = NodeIdentity.CreateEphemeral();

    public LinkRecorder(TransportOptions? options = null, ILogger? log = null, int bytesMax = 1 << 30)
    {
        Bytes = new ByteBudget(bytesMax);
        _strand = new Strand(Bugs.Enqueue);
        Transport = new TlsTransport(
            _identity,
            options ?? new TransportOptions(),
            _strand,
            this,
            new NodeCounters(),
            Bytes,
            log ?? Log);
        _strand.BatchEnded = Transport.Flush;
    }

    public ListLogger Log { get; } = new();

    public ByteBudget Bytes { get; }

    public TlsTransport Transport { get; }

    public Key Id => _identity.NodeId;

    public ConcurrentQueue<Exception> Bugs { get; } = new();

    public ConcurrentQueue<(TlsLink Link, DialId? Dial)> Opened { get; } = new();

    public DialProgress Progress { get; private set; }

    public ConcurrentQueue<string> Failed { get; } = new();

    public ConcurrentQueue<string> Closed { get; } = new();

    public ConcurrentQueue<byte[]> Frames { get; } = new();

    public Action<TlsLink, ReadOnlyMemory<byte>>? Answer { get; set; }

    public Action<TlsLink>? Opening { get; set; }

    public string Listen(string host = "127.0.0.1")
    {
        Transport.Bind(new HostPort(host, 0));
        Transport.StartAccepting();
        return Transport.EndPoint!.ToString();
    }

    public Task<T> OnStrand<T>(Func<T> function) => _strand.InvokeAsync(function);

    public void Dial(string address, long dial = 1) =>
        _strand.Post(_ => Transport.Dial(new DialId(dial), null, [address]), this);

    public void DialNode(Key? expected, params string[] addresses) =>
        _strand.Post(_ => Transport.Dial(new DialId(1), expected, [.. addresses]), this);

    public Task<bool> Send(TlsLink link, byte[] body) =>
        OnStrand(() => Transport.Send(
            link.Id, body.AsSpan(0, body.Length / 2), body.AsSpan(body.Length / 2)));

    public async Task<TlsLink> FirstLink()
    {
        await Eventually.HoldsAsync(() => !Opened.IsEmpty || !Failed.IsEmpty, "a link opens");
        Assert.Empty(Failed);
        return Opened.First().Link;
    }

    public void LinkOpened(TlsLink link, DialId? dial, DialProgress progress)
    {
        Progress = progress;
        Opening?.Invoke(link);
        Opened.Enqueue((link, dial));
    }

    public void DialFailed(DialId dial, string cause) => Failed.Enqueue(cause);

    public void LinkClosed(TlsLink link, string cause) => Closed.Enqueue(cause);

    public void FrameArrived(TlsLink link, ReadOnlyMemory<byte> body)
    {
        if (Answer is { } answer)
        {
            answer(link, body);
        }
        else
        {
            Frames.Enqueue(body.ToArray());
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Eventually.CompletesAsync(Transport.DisposeAsync().AsTask());
        _identity.Dispose();
        Assert.Empty(Bugs);
    }
}
