using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Igor.Client;
using Igor.Testing;

namespace Igor.Daemon.Tests;

/// <summary>igord as a user or a service manager sees it.</summary>
public sealed class IgordTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Signals.Terminate)]
    [InlineData(Signals.HangUp)]
    [InlineData(Signals.Interrupt)]
    public async Task Daemon_serves_until_it_is_told_to_end(int signal)
    {
        using TestProcess igord = Igord.Start(_folder.Arguments("a"));
        (string address, string nodeId, string socket) = await igord.ReadyAsync();
        Assert.StartsWith("127.0.0.1:", address, StringComparison.Ordinal);
        Assert.Equal(_folder.Combine("a/igor.sock"), socket);
        await using (IgorClient client = await ConnectAsync(socket))
        {
            Assert.Equal((nodeId, "test"), (client.NodeId.ToString(), client.Network));
        }

        igord.Signal(signal);
        Assert.Equal(0, await igord.ExitAsync());
        Assert.False(File.Exists(socket));
        Assert.Single(igord.Output);
    }

    [Fact]
    public async Task Ready_line_is_an_object_for_programs()
    {
        using TestProcess igord = Igord.Start(_folder.Arguments("a", "--json"));
        using JsonDocument ready = JsonDocument.Parse(await igord.LineAsync("{"));
        Assert.True(ready.RootElement.GetProperty("ready").GetBoolean());
        Assert.Equal(64, ready.RootElement.GetProperty("nodeId").GetString()!.Length);
        Assert.Equal(1, ready.RootElement.GetProperty("addresses").GetArrayLength());
        Assert.Equal(_folder.Combine("a/igor.sock"), ready.RootElement.GetProperty("socket").GetString());
    }

    [Fact]
    public async Task Second_daemon_joins_the_first_and_leaves_in_order()
    {
        using TestProcess first = Igord.Start(_folder.Arguments("a"));
        (string address, _, string socket) = await first.ReadyAsync();
        using TestProcess second = Igord.Start(_folder.Arguments("b", "--bootstrap", address));
        (_, string secondId, _) = await second.ReadyAsync();
        await using IgorClient client = await ConnectAsync(socket);
        Assert.Contains((await client.GetStatusAsync()).Peers, peer => peer.Id.ToString() == secondId);
        second.Signal(Signals.Terminate);
        Assert.Equal(0, await second.ExitAsync());
        for (bool knows = true; knows;)
        {
            knows = (await client.GetStatusAsync()).Peers.Any(peer => peer.Id.ToString() == secondId);
        }
    }

    [Fact]
    public async Task Service_manager_is_told_ready_and_stopping()
    {
        string path = _folder.Combine("notify");
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(path));
        using TestProcess igord = Igord.Start(_folder.Arguments("a"), ("NOTIFY_SOCKET", path));
        Assert.Equal("READY=1", await NotificationAsync(manager));
        await igord.ReadyAsync();
        igord.Signal(Signals.Terminate);
        Assert.Equal("STOPPING=1", await NotificationAsync(manager));
        Assert.Equal(0, await igord.ExitAsync());
    }

    [Fact]
    public async Task Settings_come_from_file_environment_and_command_line()
    {
        Directory.CreateDirectory(_folder.Combine("a"));
        await File.WriteAllTextAsync(
            _folder.Combine("a/igord.json"),
            """{ "network": "file", "listen": "127.0.0.1:0", "socket": "/nowhere" }""");
        using TestProcess igord = Igord.Start(
            ["--data", _folder.Combine("a")],
            ("IGOR_SOCKET", _folder.Combine("s")),
            ("IGOR_NETWORK", "environment"));
        (_, _, string socket) = await igord.ReadyAsync();
        Assert.Equal(_folder.Combine("s"), socket);
        await using IgorClient client = await ConnectAsync(socket);
        Assert.Equal("environment", client.Network);
    }

    [Theory]
    [InlineData("unknown option or argument '--colour'", "--colour", "red")]
    [InlineData("--listen is 'nonsense'", "--listen", "nonsense")]
    [InlineData("[::1]:7812", "--listen", "::1:7812")]
    [InlineData("--bootstrap is 'nonsense'", "--bootstrap", "nonsense")]
    [InlineData("[::1]:7812", "--advertise", "::1:7812")]
    [InlineData("--data needs a value", "--data", "")]
    [InlineData("--log-level is trace,", "--log-level", "99")]
    [InlineData("--upkeep is a whole number, 200 to 1000000 bytes a second, not '0.4'", "--upkeep", "0.4")]
    [InlineData("--upkeep is 100: what a node may spend", "--upkeep", "100")]
    [InlineData("--network needs a value", "--network", "")]
    [InlineData("--log-level", "--log-level", "loud")]
    [InlineData("/nowhere/igord.json cannot be read", "--config", "/nowhere/igord.json")]
    public async Task Wrong_usage_is_said_in_one_line(string words, params string[] arguments)
    {
        using TestProcess igord = Igord.Start(arguments);
        await ExpectFailureAsync(igord, DaemonExitCode.Usage, words);
    }

    [Theory]
    [InlineData("""{ "lisen": "127.0.0.1:0" }""", "unknown setting 'lisen'")]
    [InlineData("""{ "listen": 5 }""", "line 1 is wrong: \"listen\" is 5; it must be an address")]
    [InlineData("{ listen", "line 1 is wrong")]
    [InlineData("null", "null")]
    public async Task Wrong_configuration_file_is_said_in_one_line(string content, string words)
    {
        await File.WriteAllTextAsync(_folder.Combine("c.json"), content);
        using TestProcess igord = Igord.Start("--config", _folder.Combine("c.json"));
        await ExpectFailureAsync(igord, DaemonExitCode.Usage, words, "c.json");
    }

    [Theory]
    [InlineData("IGOR_LISTEN", "foo")]
    [InlineData("IGOR_BOOTSTRAP", "::1:7812")]
    [InlineData("IGOR_ADVERTISE", "host")]
    public async Task Malformed_variable_is_named(string variable, string value)
    {
        using TestProcess igord = Igord.Start(_folder.Arguments("a"), (variable, value));
        bool isOverridden = variable == "IGOR_LISTEN"; // by the arguments, so that it is of no account
        if (!isOverridden)
        {
            await ExpectFailureAsync(igord, DaemonExitCode.Usage, $"{variable} is '{value}'");
            return;
        }

        await igord.ReadyAsync();
    }

    [Fact]
    public async Task Home_that_is_not_there_is_local_trouble()
    {
        using TestProcess igord = Igord.Start(
            ["--listen", "127.0.0.1:0"],
            ("HOME", "/nonexistent"),
            ("XDG_DATA_HOME", ""),
            ("XDG_RUNTIME_DIR", ""));
        await ExpectFailureAsync(igord, DaemonExitCode.Local, "HOME", "XDG_DATA_HOME", "--data");
    }

    [Fact]
    public async Task Folder_of_another_network_is_refused()
    {
        using (TestProcess test = Igord.Start(_folder.Arguments("a")))
        {
            await test.ReadyAsync();
            test.Signal(Signals.Terminate);
            await test.ExitAsync();
        }

        string folder = _folder.Combine("a");
        using TestProcess prod = Igord.Start(
            "--data", folder, "--listen", "127.0.0.1:0", "--network", "prod");
        await ExpectFailureAsync(prod, DaemonExitCode.Local, "'test'", "'prod'", folder, "store adopt");
    }

    [Fact]
    public async Task Port_in_use_is_said_in_one_line()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        string address = other.LocalEndpoint.ToString()!;
        using TestProcess igord = Igord.Start(
            "--data", _folder.Combine("a"), "--listen", address);
        await ExpectFailureAsync(igord, DaemonExitCode.Local, address, "in use");
    }

    [Fact]
    public async Task Socket_and_data_folder_in_use_are_said_in_one_line()
    {
        using TestProcess first = Igord.Start(_folder.Arguments("a"));
        (_, _, string socket) = await first.ReadyAsync();
        using TestProcess second = Igord.Start(_folder.Arguments("b", "--socket", socket));
        await ExpectFailureAsync(second, DaemonExitCode.Local, socket, "in use", "--socket");
        using TestProcess third = Igord.Start(
            _folder.Arguments("a", "--socket", socket + "2"));
        await ExpectFailureAsync(third, DaemonExitCode.Local, _folder.Combine("a"), "Another node");
        await using IgorClient client = await ConnectAsync(socket); // the first is none the worse for it
    }

    [Fact]
    public async Task Data_folder_that_cannot_be_written_is_said_in_one_line()
    {
        string file = _folder.Combine("file");
        await File.WriteAllTextAsync(file, "");
        foreach (string data in (string[])["/proc/igord-data", file])
        {
            using TestProcess igord = Igord.Start("--data", data, "--listen", "127.0.0.1:0");
            await ExpectFailureAsync(igord, DaemonExitCode.Local, data);
        }
    }

    [Theory]
    [InlineData(">&-", "standard output is closed", DaemonExitCode.Local)]
    [InlineData(">/dev/full", "No space left", DaemonExitCode.Local)]
    [InlineData(@"--network $'n\xff'", @"n\xff", DaemonExitCode.Usage)]
    public async Task What_cannot_be_said_or_read_is_told(string words, string cause, int code)
    {
        string arguments = string.Join(' ', _folder.Arguments("a"));
        using TestProcess shell = TestProcess.Start(
            TestProcess.StartOf("bash", "-c", $"{Igord.Program} {arguments} {words}"));
        await ExpectFailureAsync(shell, code, cause);
    }

    [Fact]
    public async Task Failure_is_an_object_for_programs()
    {
        using TestProcess igord = Igord.Start("--json", "--listen", "nonsense");
        Assert.Equal(DaemonExitCode.Usage, await igord.ExitAsync());
        using JsonDocument failure = JsonDocument.Parse(Assert.Single(igord.Errors));
        Assert.Equal(1, failure.RootElement.GetProperty("error").GetProperty("exitCode").GetInt32());
    }

    [Fact]
    public async Task Help_has_examples()
    {
        using TestProcess igord = Igord.Start("--help");
        Assert.Equal(0, await igord.ExitAsync());
        Assert.Contains(
            igord.Output, line => line.Contains("--bootstrap 192.0.2.1:4646", StringComparison.Ordinal));
    }

    private static async Task ExpectFailureAsync(TestProcess igord, int exitCode, params string[] words)
    {
        Assert.Equal(exitCode, await igord.ExitAsync());
        Assert.Empty(igord.Output);
        string line = Assert.Single(igord.Errors);
        Assert.StartsWith("igord: ", line, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, line, StringComparison.Ordinal));
    }

    private static async Task<string> NotificationAsync(Socket manager)
    {
        byte[] datagram = new byte[256];
        using var patience = new CancellationTokenSource(Eventually.Patience);
        int length = await manager.ReceiveAsync(datagram, patience.Token);
        return Encoding.UTF8.GetString(datagram, 0, length).Trim();
    }

    private static ValueTask<IgorClient> ConnectAsync(string socket) =>
        IgorClient.ConnectAsync(new IgorClientOptions { SocketPath = socket });
}
