using System.Net.Sockets;
using Igor.Dht.Protocol;
using Igor.Kbr;
using Igor.Testing;

namespace Igor.Dht.Tests;

/// <summary>What was named is used, or opening fails and says what to do; nothing is made by the
/// way.</summary>
public sealed class NamedPlaceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Data => _folder.Combine("data");

    private string Socket => _folder.Combine("s");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("nothing")]
    [InlineData("folder")]
    [InlineData("file")]
    [InlineData("dead")]
    [InlineData("below a file")]
    public async Task Named_socket_without_a_listener_is_local_trouble_and_leaves_no_trace(string what)
    {
        string socket = Occupy(what);
        foreach (ServiceRole role in (ServiceRole[])[ServiceRole.Client, ServiceRole.Member])
        {
            DhtException trouble = await FailureAsync(new IgorDhtOptions
            {
                Data = Data,
                Socket = socket,
                SocketNamedBy = "--socket",
                Role = role,
            });
            AssertSays(trouble, DhtError.Local, socket, "--socket", "igor-dht serve", "igord");
        }

        Assert.False(Directory.Exists(Data));
    }

    [Fact]
    public async Task Socket_path_that_is_too_long_is_local_trouble()
    {
        DhtException trouble = await FailureAsync(new IgorDhtOptions
        {
            Data = Data,
            Socket = _folder.Combine(new string('s', 120)),
        });
        AssertSays(trouble, DhtError.Local, "107");
        Assert.False(Directory.Exists(Data));
    }

    [Fact]
    public async Task Listener_that_never_speaks_is_given_up_in_time()
    {
        using Socket listener = Listen(backlog: 8);
        DhtException trouble = await FailureAsync(Client() with { Timeout = TimeSpan.FromMilliseconds(300) });
        AssertSays(trouble, DhtError.Local, Socket, "0.3 s");
    }

    [Fact]
    public async Task Listener_that_speaks_something_else_is_named()
    {
        using Socket listener = Listen(backlog: 8);
        Task<DhtException> failing = FailureAsync(Client());
        using Socket peer = await listener.AcceptAsync();
        await peer.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
        AssertSays(await failing, DhtError.Local, Socket, "no igor");
    }

    [Fact]
    public async Task Full_queue_of_a_socket_is_waited_for_until_the_timeout()
    {
        using Socket listener = Listen(backlog: 0);
        using var waiting = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await waiting.ConnectAsync(new UnixDomainSocketEndPoint(Socket));
        DhtException trouble = await FailureAsync(Client() with { Timeout = TimeSpan.FromMilliseconds(300) });
        AssertSays(trouble, DhtError.Local, Socket, "queue");

        // Once the daemon takes connections again, one that waits gets through.
        Task<DhtException> failing = FailureAsync(Client());
        using Socket first = await listener.AcceptAsync();
        using Socket second = await listener.AcceptAsync();
        await second.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
        AssertSays(await failing, DhtError.Local, "no igor");
    }

    [Fact]
    public async Task Named_socket_that_this_process_is_to_open_is_opened()
    {
        await using IgorDht server = await IgorDht.OpenAsync(Server());
        Assert.Equal(Socket, (await server.StatusAsync()).Socket);
    }

    [Fact]
    public async Task Client_of_a_folder_finds_the_socket_that_its_node_uses()
    {
        await using IgorDht server = await IgorDht.OpenAsync(Server());
        await using IgorDht client = await IgorDht.OpenAsync(new IgorDhtOptions { Data = Data });
        Assert.Equal(server.NodeId, client.NodeId);
    }

    [Fact]
    public async Task Second_node_of_a_folder_is_told_who_uses_it_and_how_to_reach_that()
    {
        await using IgorDht server = await IgorDht.OpenAsync(Server());
        DhtException trouble = await FailureAsync(Server() with { Socket = Socket + "2" });
        AssertSays(
            trouble,
            DhtError.Local,
            Data,
            $"--socket {Socket}",
            $"process {Environment.ProcessId}");
    }

    [Fact]
    public async Task Reader_finds_no_store_and_makes_none()
    {
        DhtException nothing = await FailureAsync(Reader());
        AssertSays(nothing, DhtError.NoStore, Data, Path.Combine(Data, "igor.sock"), "igor-dht serve");
        Assert.False(Directory.Exists(Data));
        await using (IgorDht writer = await IgorDht.OpenAsync(new IgorDhtOptions { Data = Data }))
        {
            await writer.PutAsync("tea", "green"u8.ToArray());
        }

        await using IgorDht reader = await IgorDht.OpenAsync(Reader());
        Assert.Equal("green"u8.ToArray(), (await reader.GetAsync("tea")).Value.ToArray());
    }

    [Fact]
    public async Task Reader_of_a_store_without_an_identity_makes_none()
    {
        await using (IgorDht writer = await IgorDht.OpenAsync(new IgorDhtOptions { Data = Data }))
        {
            await writer.PutAsync("tea", "green"u8.ToArray());
        }

        File.Delete(Path.Combine(Data, "identity.pem"));
        await using IgorDht reader = await IgorDht.OpenAsync(Reader());
        Assert.Equal("green"u8.ToArray(), (await reader.GetAsync("tea")).Value.ToArray());
        Assert.False(File.Exists(Path.Combine(Data, "identity.pem")));
    }

    [Fact]
    public async Task New_store_of_a_client_is_told_once()
    {
        var notes = new List<string>();
        IgorDhtOptions options = new() { Data = Data, Noted = notes.Add };
        await (await IgorDht.OpenAsync(options)).DisposeAsync();
        Assert.Contains(Data, Assert.Single(notes), StringComparison.Ordinal);
        await (await IgorDht.OpenAsync(options)).DisposeAsync();
        Assert.Single(notes);
    }

    [Theory]
    [InlineData("Data", "")]
    [InlineData("Data", " ")]
    [InlineData("Socket", "")]
    [InlineData("Network", "")]
    [InlineData("Listen", "foo")]
    [InlineData("Listen", "::1:7812")]
    [InlineData("Bootstrap", "::1:7812")]
    [InlineData("Bootstrap", "127.0.0.1:0")]
    public async Task Malformed_option_is_a_mistake_of_the_caller(string option, string value)
    {
        IgorDhtOptions options = new() { Data = Data };
        options = option switch
        {
            "Data" => options with { Data = value },
            "Socket" => options with { Socket = value },
            "Network" => options with { Network = value },
            "Listen" => options with { Listen = value },
            _ => options with { Bootstrap = [value] },
        };
        ArgumentException mistake = await Assert.ThrowsAsync<ArgumentException>(
            () => IgorDht.OpenAsync(options));
        Assert.StartsWith(option, mistake.Message, StringComparison.Ordinal);
        if (value.Contains("::1", StringComparison.Ordinal))
        {
            Assert.Contains("[::1]:7812", mistake.Message, StringComparison.Ordinal);
        }
    }

    private static async Task<DhtException> FailureAsync(IgorDhtOptions options) =>
        await Assert.ThrowsAsync<DhtException>(async () =>
        {
            await using IgorDht dht = await IgorDht.OpenAsync(options);
        });

    private static void AssertSays(DhtException trouble, DhtError error, params string[] words)
    {
        Assert.True(error == trouble.Error, trouble.Message);
        Assert.All(words, word => Assert.Contains(word, trouble.Message, StringComparison.Ordinal));
    }

    private string Occupy(string what)
    {
        switch (what)
        {
            case "folder":
                Directory.CreateDirectory(Socket);
                break;
            case "file":
                File.WriteAllText(Socket, "no socket");
                break;
            case "dead":
                Listen(backlog: 1).Dispose(); // its file stays
                break;
            case "below a file":
                File.WriteAllText(Socket, "no folder");
                return Path.Combine(Socket, "s");
        }

        return Socket;
    }

    private Socket Listen(int backlog)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        string path = Socket + "-moved"; // .NET removes the file of a socket that it closes
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(backlog);
        File.Move(path, Socket);
        return listener;
    }

    private IgorDhtOptions Client() => new() { Data = Data, Socket = Socket };

    private IgorDhtOptions Reader() => new() { Data = Data, CreatesStore = false };

    private IgorDhtOptions Server() => new()
    {
        Data = Data,
        Socket = Socket,
        Role = ServiceRole.Member,
        ServeSocket = true,
    };
}
