namespace Igor.Daemon.Tests;

public sealed class SettingsFileTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".json");

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData("\"listen\": 5", "\"listen\" is 5; it must be an address")]
    [InlineData("\"listen\": [\"a:1\"]", "\"listen\" is a list; it must be an address")]
    [InlineData("\"listen\": \"\"", "\"listen\" is \"\"; it must be an address")]
    [InlineData("\"data\": {}", "\"data\" is an object; it must be the path of a folder")]
    [InlineData("\"socket\": true", "\"socket\" is true; it must be a path")]
    [InlineData("\"network\": 1.5", "\"network\" is 1.5; it must be a name")]
    [InlineData("\"bootstrap\": \"a:1\"", "\"bootstrap\" is \"a:1\"; it must be a list of addresses")]
    [InlineData("\"bootstrap\": [\"a:1\", 5]", "\"bootstrap\" is 5; it must be a list of addresses")]
    [InlineData("\"advertise\": [null]", "\"advertise\" is null; it must be a list of addresses")]
    [InlineData("\"json\": \"true\"", "\"json\" is \"true\"; it must be true or false")]
    [InlineData("\"upkeep\": \"400\"", "\"upkeep\" is \"400\"; it must be a whole number")]
    [InlineData("\"upkeep\": 0.5", "\"upkeep\" is 0.5; it must be a whole number")]
    [InlineData("\"logLevel\": 3", "\"logLevel\" is 3; it must be trace, debug")]
    [InlineData("\"logLevel\": \"3\"", "\"logLevel\" is \"3\"; it must be trace, debug")]
    [InlineData("\"Listen\": \"a:1\"", "unknown setting 'Listen'; there are data, socket, listen")]
    [InlineData("\"data\": \"a\", \"data\": \"b\"", "\"data\" stands there twice")]
    public void Mistake_is_said_with_setting_line_and_what_belongs_there(string setting, string words)
    {
        DaemonFailure failure = Fail($"{{\n  // a comment\n\n  {setting}\n}}");
        Assert.Contains($"{_path}, line 4 is wrong: {words}", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("5")]
    [InlineData("{} {}")]
    [InlineData("{ \"listen\": \"a:1\"")]
    public void What_is_no_object_of_settings_is_refused(string content) =>
        Assert.Contains(_path, Fail(content).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("\"listen\": \"foo\"", "\"listen\" in")]
    [InlineData("\"bootstrap\": [\"a:1\", \"::1:7812\"]", "[::1]:7812")]
    [InlineData("\"upkeep\": 199", "is 200 to 1000000 bytes a second")]
    public void Wrong_value_is_blamed_on_the_line_that_has_it(string setting, string words)
    {
        File.WriteAllText(_path, $"{{\n  {setting}\n}}");
        DaemonFailure failure = Assert.Throws<DaemonFailure>(() => SettingsFile.Read(_path).ToNodeOptions());
        Assert.Contains($"{_path}, line 2,", failure.Message, StringComparison.Ordinal);
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Upkeep_of_the_file_is_the_nodes_and_the_command_lines_goes_before_it()
    {
        File.WriteAllText(_path, """{ "upkeep": 2000 }""");
        DaemonSettings file = SettingsFile.Read(_path);
        Assert.Equal(2000, file.ToNodeOptions().Overlay.UpkeepBytesPerSecond);
        DaemonSettings both = new DaemonSettings { Upkeep = 300 }.Over(file);
        Assert.Equal(300, both.ToNodeOptions().Overlay.UpkeepBytesPerSecond);
    }

    [Fact]
    public void Nothing_is_said_by_null()
    {
        File.WriteAllText(
            _path,
            """{ "listen": null, "bootstrap": null, "json": null, "logLevel": null, "advertise": [], }""");
        DaemonSettings settings = SettingsFile.Read(_path);
        Assert.Equal((null, null, null), (settings.Listen, settings.Bootstrap, settings.Json));
        Assert.Empty(settings.Advertise!);
    }

    private DaemonFailure Fail(string content)
    {
        File.WriteAllText(_path, content);
        DaemonFailure failure = Assert.Throws<DaemonFailure>(() => SettingsFile.Read(_path));
        Assert.Equal(DaemonExitCode.Usage, failure.ExitCode);
        return failure;
    }
}
