using System.CommandLine;
using System.IO.Pipes;
using System.Net.Sockets;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Commands;
using Igor.Dht.Cli.Failures;
using Igor.Testing;

namespace Igor.Dht.Cli.Tests;

/// <summary>What is said of a command that is cut off: nothing that cannot be.</summary>
public sealed class CutOffTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CommonOptions _common = new(_ => null);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("put", "k", "v")]
    [InlineData("delete", "k")]
    public async Task Signal_while_the_DHT_is_opened_is_said_of_no_write(params string[] arguments)
    {
        string socket = _folder.Combine("s");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(socket));
        listener.Listen(1);
        using var signal = new CancellationTokenSource();
        Task<int> running = RunAsync(
            arguments[0] == "put" ? new PutCommand(_common) : new DeleteCommand(_common),
            [.. arguments, "--socket", socket],
            signal.Token);
        using Socket peer = await listener.AcceptAsync(); // which never speaks
        await signal.CancelAsync();
        Exception end = await Assert.ThrowsAnyAsync<Exception>(() => running);
        CommandFailure failure = CommandFailure.From(end)!;
        Assert.Equal(ExitCode.Interrupted, failure.ExitCode);
        Assert.DoesNotContain("write", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("it may have been written")]
    public async Task Only_a_write_is_said_to_be_unknown_when_time_is_over(string? unknown)
    {
        var command = new EndlessCommand(_common, unknown, () => { });
        string[] arguments = ["endless", "--data", _folder.Path, "--timeout", "0.1"];
        CommandFailure late = await Assert.ThrowsAsync<CommandFailure>(() => RunAsync(command, arguments));
        Assert.Equal(ExitCode.Unreachable, late.ExitCode);
        Assert.Equal(unknown is not null, late.Message.Contains("writ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Signal_during_a_write_says_what_is_unknown()
    {
        using var signal = new CancellationTokenSource();
        var command = new EndlessCommand(_common, "it may have been written", signal.Cancel);
        string[] arguments = ["endless", "--data", _folder.Path];
        CommandFailure failure = await Assert.ThrowsAsync<CommandFailure>(
            () => RunAsync(command, arguments, signal.Token));
        Assert.Equal(ExitCode.Interrupted, failure.ExitCode);
        Assert.Contains("it may have been written", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Question_that_nobody_answers_ends_in_time()
    {
        using var question = new AnonymousPipeServerStream(PipeDirection.Out);
        using var answer = new AnonymousPipeClientStream(PipeDirection.In, question.ClientSafePipeHandle);
        var streams = new CommandStreams(answer, Stream.Null, Stream.Null);
        using var deadline = new Deadline(
            TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10), CancellationToken.None);
        CommandFailure late = await Assert.ThrowsAsync<CommandFailure>(
            () => AdoptCommand.ConfirmAsync(streams, deadline));
        Assert.Equal(ExitCode.Local, late.ExitCode);
        Assert.Contains("nothing was changed", late.Message, StringComparison.Ordinal);
        question.Write("no\n"u8); // ends the thread that reads
    }

    private async Task<int> RunAsync(
        CliCommand command, string[] arguments, CancellationToken cancellation = default)
    {
        var root = new RootCommand();
        _common.AddTo(root);
        root.Add(command);
        using var streams = new MemoryStreams();
        return await command.RunAsync(root.Parse(arguments), streams.Streams, cancellation);
    }

    /// <summary>Opens the DHT, and then never ends by itself.</summary>
    private sealed class EndlessCommand(CommonOptions common, string? unknown, Action begun)
        : CliCommand("endless", "Never ends.", common)
    {
        public override async Task<int> RunAsync(
            ParseResult arguments, CommandStreams streams, CancellationToken cancellation)
        {
            using Deadline deadline = DeadlineOf(arguments, cancellation);
            return await WithDhtAsync(
                arguments,
                deadline,
                _ =>
                {
                    begun();
                    return new TaskCompletionSource<int>().Task;
                },
                unknown: unknown);
        }
    }
}
