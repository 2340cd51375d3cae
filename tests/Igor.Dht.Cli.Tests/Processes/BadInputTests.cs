using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Igor.Dht.Cli.Failures;
using Igor.Testing;

namespace Igor.Dht.Cli.Tests;

public sealed class BadInputTests : IDisposable
{
    private readonly TestHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task Unknown_flag_is_wrong_usage()
    {
        ProcessResult result = await Cli.RunAsync(_home, "get", "greeting", "--colour");
        result.AssertFailed(ExitCode.Usage, "--colour");
    }

    [Fact]
    public async Task Record_that_is_not_there_has_an_exit_code_of_its_own()
    {
        ProcessResult result = await Cli.RunAsync(_home, "get", "missing");
        result.AssertFailed(ExitCode.NotFound, "'missing'");
    }

    [Fact]
    public async Task Record_that_is_not_there_with_json_is_an_error_object()
    {
        ProcessResult result = await Cli.RunAsync(_home, "get", "missing", "--json");

        Assert.Equal(ExitCode.NotFound, result.ExitCode);
        Assert.Empty(result.Output);
        JsonElement error = result.Error;
        Assert.Equal("absent", error.GetProperty("kind").GetString());
    }

    [Fact]
    public async Task Value_that_is_too_large_is_refused()
    {
        ProcessResult result = await Cli.RunAsync(_home, new byte[1024 * 1024 + 1], "put", "large");
        result.AssertFailed(ExitCode.Refused, "larger than 1 MiB");
    }

    [Fact]
    public async Task Name_that_is_too_long_is_wrong_usage()
    {
        ProcessResult result = await Cli.RunAsync(_home, "put", new string('n', 1025), "value");
        result.AssertFailed(ExitCode.Usage, "1024 bytes");
    }

    [Fact]
    public async Task File_that_does_not_exist_is_local_trouble()
    {
        ProcessResult result = await Cli.RunAsync(_home, "put", "name", "--file", _home.Path("missing"));
        result.AssertFailed(ExitCode.Local, _home.Path("missing"));
    }

    [Fact]
    public async Task Output_that_cannot_be_written_is_local_trouble()
    {
        (await Cli.RunAsync(_home, "put", "name", "value")).AssertDone();
        ProcessResult result = await Cli.RunAsync(
            _home, "get", "name", "--output", _home.Path("missing/value"));
        result.AssertFailed(ExitCode.Local, "missing");
    }

    // Nobody may write there, not even root.
    [Theory]
    [InlineData("put", "name", "value")]
    [InlineData("serve", "--listen", "127.0.0.1:0")]
    public async Task Data_folder_that_cannot_be_written_is_local_trouble(params string[] arguments)
    {
        ProcessResult result = await Cli.RunAsync(_home, [.. arguments, "--data", "/proc/igor"]);
        result.AssertFailed(ExitCode.Local, "/proc/igor");
    }

    [Fact]
    public async Task Port_in_use_is_local_trouble()
    {
        using var occupant = new TcpListener(IPAddress.Loopback, 0);
        occupant.Start();
        string port = ((IPEndPoint)occupant.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);

        ProcessResult result = await Cli.RunAsync(_home, "serve", "--listen", "127.0.0.1:" + port);
        result.AssertFailed(ExitCode.Local, port);
    }

    [Fact]
    public async Task Socket_path_that_is_too_long_is_local_trouble()
    {
        ProcessResult result = await Cli.RunAsync(
            _home, "serve", "--listen", "127.0.0.1:0", "--socket", _home.Path(new string('s', 120)));
        result.AssertFailed(ExitCode.Local, "socket");
    }

    [Theory]
    [InlineData("--listen", "nonsense")]
    [InlineData("--bootstrap", "nonsense")]
    [InlineData("--network", "a network name that is much longer than the sixty-four characters it may have")]
    public async Task Option_that_the_node_does_not_take_is_wrong_usage(string option, string value)
    {
        ProcessResult result = await Cli.RunAsync(_home, "serve", "--listen", "127.0.0.1:0", option, value);
        Assert.True(result.ExitCode == ExitCode.Usage, $"{result.ExitCode}: {result.Errors}");
    }

    [Fact]
    public async Task Nobody_at_the_bootstrap_address_is_not_reachable()
    {
        ProcessResult result = await Cli.RunAsync(
            _home, "get", "name", "--bootstrap", "127.0.0.1:1", "--timeout", "2");
        result.AssertFailed(ExitCode.Unreachable, "name");
    }
}
