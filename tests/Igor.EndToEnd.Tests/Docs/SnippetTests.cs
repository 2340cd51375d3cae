using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;
using Igor.EndToEnd.Processes;
using Igor.Testing;
using Xunit.Abstractions;

namespace Igor.EndToEnd.Docs;

/// <summary>Programs and commands of the documentation, compiled and run as they stand.</summary>
public sealed partial class SnippetTests(ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    private readonly TemporaryFolder _home = new();
    private readonly List<TestProcess> _nodes = [];

    public static TheoryData<string, string> Programs
    {
        get
        {
            var programs = new TheoryData<string, string>();
            foreach ((string name, string source) in Document.Programs())
            {
                programs.Add(name, source);
            }

            return programs;
        }
    }

    public void Dispose()
    {
        _nodes.ForEach(node => node.Dispose());

        _home.Dispose();
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task Program_compiles_and_runs_as_it_stands(string name, string source)
    {
        // Beside the assemblies it refers to.
        string program = Path.Combine(AppContext.BaseDirectory, $"snippet-{Guid.NewGuid():N}.dll");
        try
        {
            await CompileAsync(source, program);
            string settings = Path.Combine(
                AppContext.BaseDirectory, Assembly.GetExecutingAssembly().GetName().Name!);
            ProcessResult run = await RunAsync(
                Dotnet,
                "exec",
                "--depsfile",
                settings + ".deps.json",
                "--runtimeconfig",
                settings + ".runtimeconfig.json",
                program);
            output.WriteLine($"{name}: {run.Text}{run.Errors}");
            run.ExitsWith(0);
            if (name == "README.md 1")
            {
                Assert.Equal("on 1 disks\nhello\n", run.Text);
            }
        }
        finally
        {
            File.Delete(program);
        }
    }

    [Fact]
    public async Task Commands_of_the_readme_do_what_it_says()
    {
        File.CreateSymbolicLink(_home.Combine("igor-dht"), Processes.Programs.IgorDht);
        var ports = new Dictionary<string, string>();
        string[][] blocks = [.. Document.Commands("README.md")];
        Assert.Contains(blocks, block => block.Any(line => line.EndsWith('&')));
        foreach (string line in blocks.SelectMany(block => block).Where(line => line != "./igor-dht demo"))
        {
            // Other tests have nodes of their own.
            string command = Address().Replace(line, match => ports.TryGetValue(match.Value, out string? free)
                ? free
                : ports[match.Value] = FreePort.Address());
            command = command.Replace("/tmp/", _home.Path + "/", StringComparison.Ordinal);
            if (command.EndsWith('&'))
            {
                await ServeAsync(command.TrimEnd('&'));
                continue;
            }

            ProcessResult result = (await RunAsync("bash", "-c", command)).ExitsWith(0);
            output.WriteLine($"{line}: {result.Text}");
            if (command.StartsWith("./igor-dht get greeting", StringComparison.Ordinal))
            {
                Assert.Equal("hello", result.Text);
            }
        }
    }

    private static string Dotnet =>
        Path.Combine(TestProcess.StartOf("dotnet", []).Environment["DOTNET_ROOT"]!, "dotnet");

    private async Task CompileAsync(string source, string program)
    {
        string file = _home.Combine("Program.cs");
        await File.WriteAllTextAsync(file, source);
        string compiler = Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(metadata => metadata.Key == "csc").Value!;
        string[] references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(':');
        string arguments = _home.Combine("arguments.rsp");
        await File.WriteAllLinesAsync(
            arguments,
            [
                "-noconfig", "-nostdlib", "-nologo", "-nullable", "-langversion:latest",
                $"-out:\"{program}\"",
                .. references.Select(reference => $"-r:\"{reference}\""),
                $"\"{file}\"",
            ]);
        ProcessResult compilation = await RunAsync(Dotnet, "exec", compiler, "@" + arguments);
        Assert.True(compilation.ExitCode == 0, compilation.Text + compilation.Errors);
    }

    private async Task ServeAsync(string command)
    {
        var node = TestProcess.Start(StartInfo("bash", "-c", "exec " + command));
        _nodes.Add(node);
        await node.LineAsync("ready ");
    }

    private Task<ProcessResult> RunAsync(string program, params string[] arguments) =>
        TestProcess.RunAsync(StartInfo(program, arguments), [], s_patience);

    private ProcessStartInfo StartInfo(string program, params string[] arguments)
    {
        ProcessStartInfo start = TestProcess.StartOf(program, arguments);
        start.WorkingDirectory = _home.Path;
        start.Environment["HOME"] = _home.Path;
        start.Environment["XDG_DATA_HOME"] = _home.Combine("share");
        start.Environment["XDG_RUNTIME_DIR"] = _home.Path;
        return start;
    }

    [GeneratedRegex(@"127\.0\.0\.1:\d+")]
    private static partial Regex Address();
}
