using Igor.Dht.Cli.Failures;
using Igor.Testing;

namespace Igor.Dht.Cli.Tests;

/// <summary>What was named is used or refused; what nobody named is looked for where it can be.</summary>
public sealed class NamedPlaceTests : IDisposable
{
    private readonly TestHome _home = new();

    public void Dispose() => _home.Dispose();

    [Theory]
    [InlineData("put", "k", "v")]
    [InlineData("get", "k")]
    [InlineData("delete", "k")]
    [InlineData("status")]
    public async Task Named_socket_that_nobody_serves_is_local_trouble(params string[] arguments)
    {
        ProcessResult given = await Cli.RunAsync(_home, [.. arguments, "--socket", _home.Path("s")]);
        given.AssertFailed(ExitCode.Local, $"{_home.Path("s")} (the socket that --socket names)");
        _home.Environment["IGOR_SOCKET"] = _home.Path("t");
        ProcessResult set = await Cli.RunAsync(_home, arguments);
        set.AssertFailed(ExitCode.Local, $"{_home.Path("t")} (the socket that IGOR_SOCKET names)");
        Assert.Empty(Directory.GetFileSystemEntries(_home.Folder));
    }

    [Fact]
    public async Task Commands_that_only_read_create_nothing()
    {
        foreach (string[] arguments in (string[][])[["get", "k"], ["delete", "k"]])
        {
            ProcessResult nothing = await Cli.RunAsync(_home, arguments);
            nothing.AssertFailed(ExitCode.NotFound, "no record 'k'. No node listens at");
        }

        (await Cli.RunAsync(_home, "status")).AssertFailed(ExitCode.Local, "igor-dht serve");
        Assert.Empty(Directory.GetFileSystemEntries(_home.Folder));
    }

    [Fact]
    public async Task Node_in_the_process_of_a_put_is_told_when_its_store_is_new()
    {
        ProcessResult first = (await Cli.RunAsync(_home, "put", "k", "v")).AssertDone();
        Assert.Contains(_home.Path("igor"), first.Errors, StringComparison.Ordinal);
        Assert.Contains("no node listens", first.Errors, StringComparison.Ordinal);
        Assert.Empty((await Cli.RunAsync(_home, "put", "k", "w")).AssertDone().Errors);
    }

    [Fact]
    public async Task Node_is_found_by_its_folder_wherever_its_socket_is_and_keeps_others_out()
    {
        string[] place = ["--data", _home.Path("d"), "--socket", _home.Path("s")];
        (TestProcess node, string[] ready) = await Cli.ServeAsync(_home, place);
        using (node)
        {
            Assert.Contains("socket=" + _home.Path("s"), ready);
            (await Cli.RunAsync(_home, "put", "k", "v", "--data", _home.Path("d"))).AssertDone();
            ProcessResult second = await Cli.RunAsync(
                _home,
                "serve", "--listen", "127.0.0.1:0", "--data", _home.Path("d"), "--socket", _home.Path("t"));
            second.AssertFailed(ExitCode.Local, $"igor-dht serve (process {node.Id})");
            Assert.Contains("--socket " + _home.Path("s"), second.Errors, StringComparison.Ordinal);

            _home.Environment["IGOR_SOCKET"] = _home.Path("t");
            ProcessResult read = await Cli.RunAsync(_home, "get", "k", "--data", _home.Path("d"));
            read.AssertDone();
            Assert.Contains("IGOR_SOCKET is not used", read.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Named_folder_or_address_beats_the_socket_of_the_environment()
    {
        (TestProcess node, _) = await Cli.ServeAsync(
            _home, "--data", _home.Path("d"), "--socket", _home.Path("s"));
        using (node)
        {
            _home.Environment["IGOR_SOCKET"] = _home.Path("s");
            ProcessResult other = (await Cli.RunAsync(_home, "put", "k", "v", "--data", _home.Path("e")))
                .AssertDone();
            Assert.Contains("IGOR_SOCKET is not used", other.Errors, StringComparison.Ordinal);
            Assert.True(Directory.Exists(_home.Path("e/records")));
            _home.Environment["IGOR_DATA"] = _home.Path("d");
            ProcessResult away = await Cli.RunAsync(
                _home, "put", "k", "v", "--bootstrap", "127.0.0.1:1", "--timeout", "1");
            Assert.Equal(ExitCode.Unreachable, away.ExitCode);
            Assert.Contains("IGOR_SOCKET is not used", away.Errors, StringComparison.Ordinal);
            (await Cli.RunAsync(_home, "get", "k")).AssertFailed(ExitCode.NotFound, "'k'");
        }
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("relative")]
    public async Task Runtime_folder_that_cannot_be_used_is_passed_over_by_both_ends(string what)
    {
        _home.Environment["XDG_RUNTIME_DIR"] = what == "missing" ? _home.Path("gone") : "tmp";
        (TestProcess node, string[] ready) = await Cli.ServeAsync(_home);
        using (node)
        {
            Assert.Contains("socket=" + _home.Path("igor/igor.sock"), ready);
            (await Cli.RunAsync(_home, "put", "k", "v")).AssertDone();
            Assert.Equal(ExitCode.Done, await node.EndAsync(Signals.Terminate));
            Assert.Contains("XDG_RUNTIME_DIR", string.Join('\n', node.Errors), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("/nonexistent")]
    [InlineData("relative")]
    public async Task Home_that_is_not_there_is_local_trouble(string? home)
    {
        _home.Environment["HOME"] = home;
        _home.Environment["XDG_DATA_HOME"] = "relative"; // to be ignored
        _home.Environment["XDG_RUNTIME_DIR"] = null;
        foreach (string[] arguments in (string[][])[["put", "k", "v"], ["status"], ["serve"]])
        {
            ProcessResult result = await Cli.RunAsync(_home, arguments);
            result.AssertFailed(ExitCode.Local, "HOME");
            Assert.Contains("--data", result.Errors, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.GetFileSystemEntries(_home.Folder));
    }

    [Fact]
    public async Task Folder_of_one_network_is_moved_to_another_only_on_purpose()
    {
        (await Cli.RunAsync(_home, "put", "k", "v", "--network", "test")).AssertDone();
        ProcessResult wrong = await Cli.RunAsync(
            _home, "serve", "--listen", "127.0.0.1:0", "--network", "prod");
        wrong.AssertFailed(ExitCode.Local, "store adopt --network prod");
        Assert.Contains("'test'", wrong.Errors, StringComparison.Ordinal);
        (await Cli.RunAsync(_home, "store", "adopt", "--network", "prod"))
            .AssertFailed(ExitCode.Usage, "--yes");
        (await Cli.RunAsync(_home, "get", "k")).AssertFailed(ExitCode.Local, "'test'");
        (await Cli.RunAsync(_home, "store", "adopt", "--network", "prod", "--yes")).AssertDone();
        Assert.Equal("v", (await Cli.RunAsync(_home, "get", "k", "--network", "prod")).AssertDone().Text);
    }
}
