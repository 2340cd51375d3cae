using System.CommandLine;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Failures;
using Igor.Kbr;

namespace Igor.Dht.Cli.Tests;

public class CommonOptionsTests
{
    private static readonly Dictionary<string, string> s_environment = new()
    {
        ["IGOR_DATA"] = "/env/data",
        ["IGOR_SOCKET"] = "/env/socket",
        ["IGOR_LISTEN"] = "127.0.0.1:1",
        ["IGOR_BOOTSTRAP"] = "a:1, b:2,",
        ["IGOR_NETWORK"] = "env",
    };

    [Fact]
    public void Options_that_nobody_gave_are_the_librarys()
    {
        // An array has no equality of its own.
        IgorDhtOptions options = Read(_ => null);
        Assert.Empty(options.Bootstrap);
        Assert.Equal(new IgorDhtOptions(), options with { Bootstrap = new IgorDhtOptions().Bootstrap });
    }

    [Fact]
    public void Options_come_from_the_environment()
    {
        IgorDhtOptions options = Read(s_environment.GetValueOrDefault);

        Assert.Equal("/env/data", options.Data);
        Assert.Equal("/env/socket", options.Socket);
        Assert.Equal("127.0.0.1:1", options.Listen);
        Assert.Equal(["a:1", "b:2"], options.Bootstrap);
        Assert.Equal("env", options.Network);
    }

    [Fact]
    public void Options_on_the_command_line_win()
    {
        IgorDhtOptions options = Read(
            s_environment.GetValueOrDefault,
            "--data", "/d", "--socket", "/s", "--listen", "h:3", "--bootstrap", "c:3", "--bootstrap", "d:4",
            "--network", "n", "--timeout", "2.5");

        Assert.Equal("/d", options.Data);
        Assert.Equal("/s", options.Socket);
        Assert.Equal("h:3", options.Listen);
        Assert.Equal(["c:3", "d:4"], options.Bootstrap);
        Assert.Equal("n", options.Network);
        Assert.Equal(TimeSpan.FromSeconds(2.5), options.Timeout);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("host:")]
    [InlineData(":7001")]
    [InlineData("host:0")]
    [InlineData("host:65536")]
    public void Bootstrap_that_is_no_address_is_wrong_usage(string address)
    {
        CommandFailure failure = Assert.Throws<CommandFailure>(() => Read(_ => null, "--bootstrap", address));
        Assert.Equal(ExitCode.Usage, failure.ExitCode);
    }

    [Theory]
    [InlineData("--listen", "foo", "HOST:PORT")]
    [InlineData("--listen", "7001", "HOST:PORT")]
    [InlineData("--listen", "::1:7812", "[::1]:7812")]
    [InlineData("--bootstrap", "::1:7812", "[::1]:7812")]
    [InlineData("--bootstrap", "fe80::1", "[fe80::1]:")]
    [InlineData("--bootstrap", "256.1.1.1:1", "HOST:PORT")]
    [InlineData("--network", "a name that is longer than the sixty-four characters that it may have", "64")]
    public void Malformed_value_is_blamed_on_the_option_or_the_variable(
        string option, string value, string expected)
    {
        string variable = "IGOR_" + option[2..].ToUpperInvariant();
        CommandFailure given = Assert.Throws<CommandFailure>(() => Read(_ => null, option, value));
        CommandFailure set = Assert.Throws<CommandFailure>(
            () => Read(name => name == variable ? value : null));
        foreach ((CommandFailure failure, string name) in ((CommandFailure, string)[])
            [(given, option), (set, variable)])
        {
            Assert.Equal(ExitCode.Usage, failure.ExitCode);
            Assert.Contains($"{name} is '{value}'", failure.Message, StringComparison.Ordinal);
            Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Socket_is_called_what_the_user_called_it()
    {
        Assert.Equal("--socket", Read(s_environment.GetValueOrDefault, "--socket", "/s").SocketNamedBy);
        Assert.Equal("IGOR_SOCKET", Read(s_environment.GetValueOrDefault).SocketNamedBy);
    }

    [Theory]
    [InlineData("--data", "/d", "/d")]
    [InlineData("--bootstrap", "c:3", null)]
    public void Command_line_that_says_which_node_is_not_overridden_by_the_environment(
        string option, string value, string? data)
    {
        IgorDhtOptions client = Read(s_environment.GetValueOrDefault, option, value);
        Assert.Null(client.Socket);
        Assert.Equal(data, client.Data);
        Assert.Equal("/s", Read(s_environment.GetValueOrDefault, option, value, "--socket", "/s").Socket);

        // A server opens the one and keeps its records in the other.
        IgorDhtOptions server = Read(
            s_environment.GetValueOrDefault, ServiceRole.Member, option, value);
        Assert.Equal("/env/socket", server.Socket);
        Assert.Equal(data ?? "/env/data", server.Data);
    }

    [Fact]
    public void Empty_variables_count_as_not_set()
    {
        Assert.Equal(Read(_ => null).Data, Read(_ => string.Empty).Data);
        Assert.Null(Read(_ => string.Empty).Network);
        Assert.Null(Read(_ => string.Empty).Socket);
    }

    [Fact]
    public void Variable_that_was_altered_is_wrong_usage()
    {
        CommandFailure failure = Assert.Throws<CommandFailure>(
            () => Read(name => name == "IGOR_DATA" ? "/tmp/\ufffd" : null));
        Assert.Equal(ExitCode.Usage, failure.ExitCode);
        Assert.Contains("IGOR_DATA", failure.Message, StringComparison.Ordinal);
    }

    private static IgorDhtOptions Read(Func<string, string?> environment, params string[] arguments) =>
        Read(environment, ServiceRole.Client, arguments);

    private static IgorDhtOptions Read(
        Func<string, string?> environment, ServiceRole role, params string[] arguments)
    {
        var root = new RootCommand();
        var common = new CommonOptions(environment);
        common.AddTo(root);
        return common.DhtOptions(root.Parse(arguments), role);
    }
}
