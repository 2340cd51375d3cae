using System.Net.Sockets;
using Igor.Kbr;
using Igor.Local.Protocol;

namespace Igor.Client.Tests;

/// <summary>A socket that listens like a daemon; what it says is up to the test.</summary>
internal sealed class FakeDaemon : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public FakeDaemon(string path)
    {
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
    }

    public static WelcomeFrame Welcome { get; } = new(1, Key.HashOf("fake daemon"), "fake", 1000, "0");

    /// <summary>The next application that connects.</summary>
    public async Task<RawApplication> AcceptAsync() => new(await _listener.AcceptAsync());

    /// <summary>The next application, welcomed.</summary>
    public async Task<RawApplication> WelcomeAsync()
    {
        RawApplication application = await AcceptAsync();
        await application.ExpectAsync<HelloFrame>();
        application.Send(Welcome);
        return application;
    }

    public void Dispose() => _listener.Dispose();
}
