using System.Net.Sockets;
using Igor.Node.Memory;
using Igor.Node.Transport.Links;
using Igor.Testing;

namespace Igor.Node.Tests;

/// <summary>What links cost on the wire, which upkeep and the simulator count on.</summary>
public sealed class WireCostTests
{
    /// <summary>
    /// Hellos, two certificates of 280 bytes and two signatures. Tickets for resumption, each with the
    /// client's certificate in it, would add a thousand, and a resumed handshake costs more than a whole one.
    /// </summary>
    private const int HandshakeBytesMax = 1_750;

    [LinuxFact]
    public async Task Handshake_costs_no_more_than_it_is_counted_for()
    {
        await using var server = new LinkRecorder();
        await using var client = new LinkRecorder();
        client.Dial(server.Listen());
        TlsLink link = await client.FirstLink();
        await Eventually.HoldsAsync(() => !server.Opened.IsEmpty, "the other end is through too");
        await server.Send(server.Opened.First().Link, new byte[1]);
        await Eventually.HoldsAsync(() => !client.Frames.IsEmpty, "a frame comes behind it");
        Assert.InRange(TlsBytes(link.Socket), 1_000, HandshakeBytesMax);
    }

    [Fact]
    public async Task Frames_of_one_flush_are_one_record()
    {
        var stream = new RecordedStream();
        var writer = new FrameWriter(
            stream, 1 << 20, new ByteBudget(1 << 20).Open(HolderKind.Member), cause => Assert.Fail(cause));
        for (int flush = 1; flush <= 3; flush++)
        {
            for (int frame = 0; frame < 5; frame++)
            {
                Assert.True(writer.TryAppend(new byte[30], new byte[50]));
            }

            writer.Flush();
        }

        writer.End();
        await Eventually.CompletesAsync(writer.Drained);
        Assert.Equal([5 * 84, 5 * 84, 5 * 84], stream.Writes);
    }

    /// <summary>What both ends sent: tcpi_bytes_acked and tcpi_bytes_received of linux/tcp.h.</summary>
    private static long TlsBytes(Socket socket)
    {
        byte[] info = new byte[256];
        Assert.InRange(socket.GetRawSocketOption(6, 11, info), 136, info.Length);
        return BitConverter.ToInt64(info, 120) + BitConverter.ToInt64(info, 128);
    }

    /// <summary>Notes the sizes of writes, each of which becomes a record.</summary>
    private sealed class RecordedStream : MemoryStream
    {
        public List<int> Writes { get; } = [];

        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Writes.Add(buffer.Length);
            return ValueTask.CompletedTask;
        }
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class LinuxFactAttribute : FactAttribute
    {
        public LinuxFactAttribute() => Skip = OperatingSystem.IsLinux() ? null : "needs TCP_INFO";
    }
}
