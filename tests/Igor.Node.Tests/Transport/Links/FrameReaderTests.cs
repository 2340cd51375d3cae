using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Node.Memory;
using Igor.Node.Scheduling;
using Igor.Node.Transport.Admission;
using Igor.Node.Transport.Links;
using Igor.Testing;

namespace Igor.Node.Tests;

/// <summary>Frames of which only a part comes.</summary>
public sealed class FrameReaderTests : IDisposable
{
    private const int MiB = 1024 * 1024;

    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 4 * MiB));
    private readonly ByteBudget _bytes = new(64 * MiB);
    private readonly SecuredSocket _secured = new(
        new Socket(SocketType.Stream, ProtocolType.Tcp),
        new SslStream(new MemoryStream()),
        Key.Max,
        "10.0.0.1:1");

    public void Dispose() => _secured.Dispose();

    [Fact]
    public async Task Announced_length_takes_no_memory_before_its_bytes_come()
    {
        FrameReader reader = Reader();
        Task<string> running = reader.RunAsync();
        await WriteAsync(MiB, 0);
        await Eventually.HoldsAsync(() => reader.Progress.Missing == MiB, "the length has come");
        Assert.Equal(16 * 1024, _bytes.Total);
        await CloseAsync(running);
    }

    [Fact]
    public async Task Buffer_grows_with_what_comes_and_goes_back()
    {
        FrameReader reader = Reader();
        Task<string> running = reader.RunAsync();
        await WriteAsync(MiB, 300_000);
        await Eventually.HoldsAsync(() => reader.Progress.Missing == MiB - 300_000, "a part has come");
        Assert.InRange(_bytes.Total, 300_000, 600_000);
        await CloseAsync(running);
    }

    [Fact]
    public async Task Frame_that_finds_no_room_for_too_long_ends_the_link()
    {
        ByteAccount greedy = _bytes.Open(HolderKind.Member);
        greedy.Take(64 * MiB);
        Task<string> running = Reader(TimeSpan.FromMilliseconds(1)).RunAsync();
        await WriteAsync(MiB, 300_000);
        Assert.Contains("no room", await Eventually.CompletesAsync(running), StringComparison.Ordinal);
        Assert.Equal(64 * MiB, _bytes.Total);
    }

    [Fact]
    public async Task Frame_that_has_to_wait_for_room_goes_on_when_there_is_some()
    {
        ByteAccount greedy = _bytes.Open(HolderKind.Member);
        greedy.Take(64 * MiB);
        FrameReader reader = Reader();
        Task<string> running = reader.RunAsync();
        await WriteAsync(MiB, 300_000);
        await Eventually.HoldsAsync(() => _bytes.Refused(HolderKind.Stranger) > 0, "it waits");
        Assert.True(reader.Progress.Received < 300_000);
        greedy.Return(64 * MiB);
        await Eventually.HoldsAsync(() => reader.Progress.Received == 300_004, "it goes on");
        await CloseAsync(running);
    }

    private FrameReader Reader(TimeSpan? patience = null)
    {
        var options = new TransportOptions { StallTimeout = patience ?? TimeSpan.FromMinutes(1) };
        ByteAccount account = _bytes.Attach(Key.Max, "10.0.0.1:1");
        var strand = new Strand(problem => Assert.Fail(problem.Message));
        var link = new TlsLink(
            new LinkId(1),
            _secured,
            true,
            strand,
            null!,
            account,
            options,
            new StrangerRates(options.StrangerFramesPerSecond, options.StrangerBytesPerSecond),
            new InboundCounters());
        return new FrameReader(link, _pipe.Reader.AsStream(), strand, null!, account, options);
    }

    private async Task WriteAsync(int length, int bytes)
    {
        byte[] frame = new byte[FrameWriter.LengthBytes + bytes];
        BinaryPrimitives.WriteInt32BigEndian(frame, length);
        await _pipe.Writer.WriteAsync(frame);
    }

    private async Task CloseAsync(Task running)
    {
        await _pipe.Writer.CompleteAsync();
        await Eventually.CompletesAsync(running);
        Assert.Equal(0, _bytes.Total);
    }
}
