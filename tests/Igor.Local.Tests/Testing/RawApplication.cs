using System.Buffers.Binary;
using System.Net.Sockets;
using Igor.Local.Protocol;
using Igor.Testing;

namespace Igor.Local.Tests.Testing;

/// <summary>An end of the local protocol that may do what a real one does not.</summary>
internal sealed class RawApplication : IDisposable
{
    private readonly NetworkStream _stream;

    public RawApplication(Socket socket) => _stream = new NetworkStream(socket, ownsSocket: true);

    public static RawApplication Connect(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(path));
        return new RawApplication(socket);
    }

    /// <summary>Connects and says hello as one should.</summary>
    public static async Task<RawApplication> AttachAsync(string path)
    {
        RawApplication application = Connect(path);
        application.Send(new HelloFrame(1, 1, "raw"));
        await application.ExpectAsync<WelcomeFrame>();
        return application;
    }

    public void Send(LocalFrame frame)
    {
        using var buffer = new FrameBuffer();
        buffer.TryAppend(frame, int.MaxValue);
        SendBytes(buffer.Written.Span);
    }

    public void SendBytes(ReadOnlySpan<byte> bytes) => _stream.Write(bytes);

    /// <summary>Sends a body with its length in front.</summary>
    public void SendBody(params byte[] body)
    {
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, body.Length);
        SendBytes([.. length, .. body]);
    }

    /// <summary>The next frame.</summary>
    public async Task<T> ExpectAsync<T>()
        where T : LocalFrame => Assert.IsType<T>(await ReceiveAsync());

    /// <summary>The next frame; null when the other end has closed.</summary>
    public async Task<LocalFrame?> ReceiveAsync()
    {
        using var patience = new CancellationTokenSource(Eventually.Patience);
        byte[] length = new byte[4];
        try
        {
            if (await _stream.ReadAtLeastAsync(length, 4, throwOnEndOfStream: false, patience.Token) < 4)
            {
                return null;
            }

            byte[] body = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
            await _stream.ReadExactlyAsync(body, patience.Token);
            Assert.True(LocalFrameReader.TryRead(body, out LocalFrame? frame, out string? error), error);
            return frame is TimeFrame ? await ReceiveAsync() : frame; // that one comes whenever it likes
        }
        catch (IOException)
        {
            return null; // closed with unread bytes of ours
        }
    }

    /// <summary>Refused in these words, and closed.</summary>
    public async Task ExpectEndAsync(RefusalCode code, string text)
    {
        RefusedFrame refused = await ExpectAsync<RefusedFrame>();
        Assert.Equal(code, refused.Code);
        Assert.Contains(text, refused.Text, StringComparison.Ordinal);
        Assert.Null(await ReceiveAsync());
    }

    public void Dispose() => _stream.Dispose();
}
