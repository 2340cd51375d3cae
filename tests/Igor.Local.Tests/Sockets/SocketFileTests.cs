using System.Net.Sockets;
using Igor.Kbr;
using Igor.Testing;

namespace Igor.Local.Tests.Sockets;

/// <summary>The socket's file: who may see it, and what is there already.</summary>
public sealed class SocketFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeHost _host = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Socket_and_its_folder_are_for_the_owner_only()
    {
        string folder = Path.Combine(_folder.Path, "new");
        await using LocalSocketServer server = Serve(Path.Combine(folder, "igor.sock"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(server.Path));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(folder));
    }

    [Fact]
    public async Task Socket_of_a_live_daemon_is_refused_and_stays()
    {
        await using LocalSocketServer first = Serve(_folder.NewPath());
        KbrException refusal = Assert.Throws<KbrException>(() => Serve(first.Path));
        Assert.Contains("in use", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("--socket", refusal.Message, StringComparison.Ordinal);
        using RawApplication application = await RawApplication.AttachAsync(first.Path);
    }

    [Fact]
    public async Task Socket_of_another_program_that_listens_is_refused_and_stays()
    {
        string path = _folder.NewPath();
        using var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        other.Bind(new UnixDomainSocketEndPoint(path));
        other.Listen();
        Assert.Contains(
            "in use", Assert.Throws<KbrException>(() => Serve(path)).Message, StringComparison.Ordinal);
        using RawApplication application = RawApplication.Connect(path);
        using Socket accepted = await other.AcceptAsync();
    }

    [Fact]
    public async Task Socket_that_a_dead_daemon_left_behind_is_replaced()
    {
        string path = _folder.NewPath();
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(path + "-moved"));
            File.Move(path + "-moved", path); // so that closing it does not remove it
        }

        Assert.True(File.Exists(path));
        await using LocalSocketServer server = Serve(path);
        using RawApplication application = await RawApplication.AttachAsync(path);
    }

    [Fact]
    public void File_that_is_no_socket_is_refused_and_kept()
    {
        string path = _folder.NewPath();
        File.WriteAllText(path, "precious");
        KbrException refusal = Assert.Throws<KbrException>(() => Serve(path));
        Assert.Contains("no socket", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(path));
        Assert.Throws<KbrException>(() => Serve(_folder.Path));
    }

    [Fact]
    public void Path_that_is_too_long_is_refused_with_its_length()
    {
        string path = Path.Combine(_folder.Path, new string('x', 120));
        KbrException refusal = Assert.Throws<KbrException>(() => Serve(path));
        Assert.Contains("107", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Folder_that_cannot_be_made_is_refused()
    {
        string file = _folder.NewPath();
        File.WriteAllText(file, "");
        KbrException refusal = Assert.Throws<KbrException>(
            () => Serve(Path.Combine(file, "igor.sock")));
        Assert.Contains("--socket", refusal.Message, StringComparison.Ordinal);
    }

    private LocalSocketServer Serve(string path) =>
        LocalSocketServer.Start(_host, new LocalSocketServerOptions { Path = path });
}
