using System.CommandLine;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Values;
using Igor.Dht.Protocol;

namespace Igor.Dht.Cli.CommandLine;

/// <summary>A command of igor-dht: its name, what it is for, and examples that its help ends with.</summary>
internal abstract class CliCommand : Command
{
    /// <summary>What is unknown of a write that is cut off.</summary>
    protected const string WriteUnderWay = "the write was under way and may have been done";

    protected CliCommand(string name, string description, CommonOptions common, params string[] examples)
        : base(name, description)
    {
        Common = common;
        Examples = examples;
    }

    /// <summary>Command lines that show how it is used.</summary>
    public IReadOnlyList<string> Examples { get; }

    /// <summary>The options that all commands share.</summary>
    protected CommonOptions Common { get; }

    /// <summary>Does what the command line asks for and returns the exit code.</summary>
    /// <exception cref="CommandFailure">It could not be done.</exception>
    public abstract Task<int> RunAsync(
        ParseResult arguments, CommandStreams streams, CancellationToken cancellation);

    /// <summary>
    /// Opens the DHT, does something with it, and closes it, which is quick for a client and a graceful leave
    /// for a member.
    /// </summary>
    protected static async Task<T> WithDhtAsync<T>(
        IgorDhtOptions options, Func<IgorDht, Task<T>> action, CancellationToken cancellation)
    {
        IgorDht dht = await IgorDht.OpenAsync(options, cancellation).ConfigureAwait(false);
        await using (dht.ConfigureAwait(false))
        {
            return await action(dht).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// The same within a deadline: of whatever does not end by itself then, nothing is waited for.
    /// </summary>
    /// <param name="arguments">What the command line says.</param>
    /// <param name="deadline">What ends the command.</param>
    /// <param name="action">What is to be done.</param>
    /// <param name="createsStore">Whether a store is made where there is neither a node nor one.</param>
    /// <param name="unknown">
    /// What nobody can tell when the action, once begun, does not end by itself; null for nothing.
    /// </param>
    protected async Task<T> WithDhtAsync<T>(
        ParseResult arguments,
        Deadline deadline,
        Func<IgorDht, Task<T>> action,
        bool createsStore = true,
        string? unknown = null)
    {
        deadline.Start();
        IgorDhtOptions options = Common.DhtOptions(arguments) with
        {
            Timeout = deadline.Left,
            CreatesStore = createsStore,
        };
        IgorDht dht = await deadline.BoundAsync(
            IgorDht.OpenAsync(options, deadline.Token), () => Late(deadline, null)).ConfigureAwait(false);
        try
        {
            deadline.Start();
            return await deadline.BoundAsync(action(dht), () => Late(deadline, unknown))
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (unknown is not null)
        {
            throw CommandFailure.Interrupted($"interrupted; {unknown}");
        }
        finally
        {
            await deadline.CloseAsync(dht).ConfigureAwait(false);
        }
    }

    /// <summary>Prints the result of a command.</summary>
    /// <param name="text">The result.</param>
    /// <param name="streams">Where to.</param>
    /// <param name="deadline">What ends the command.</param>
    /// <param name="done">What is true although it cannot be printed; null for nothing.</param>
    protected static async Task<int> ShowAsync(
        string text, CommandStreams streams, Deadline deadline, string? done = null)
    {
        try
        {
            await deadline.WritingAsync(token => streams.WriteLineAsync(text, token)).ConfigureAwait(false);
            return ExitCode.Done;
        }
        catch (Exception e) when (done is not null && CommandFailure.From(e) is { } failure)
        {
            throw new CommandFailure(failure.ExitCode, failure.Kind, $"{done}, but {failure.Message}", e);
        }
    }

    /// <summary>What ends a command that does not end by itself.</summary>
    protected Deadline DeadlineOf(ParseResult arguments, CancellationToken cancellation) =>
        new(Common.Timeout(arguments), new IgorDhtOptions().Timeout, cancellation);

    private static CommandFailure Late(Deadline deadline, string? unknown) => new(
        ExitCode.Unreachable,
        "unreachable",
        $"not done within {deadline.Text}{(unknown is null ? "" : $"; {unknown}")}. See igor-dht status, or "
        + "give it a larger --timeout");

    /// <summary>
    /// The same for what needs a record that is there already: where there is neither a node nor a store,
    /// there is no such record, and nothing is made to find that out.
    /// </summary>
    /// <exception cref="CommandFailure">There is nothing to look for the record in.</exception>
    protected async Task<T> WithRecordsAsync<T>(
        ParseResult arguments,
        Deadline deadline,
        RecordName name,
        Func<IgorDht, Task<T>> action,
        string? unknown = null)
    {
        try
        {
            return await WithDhtAsync(arguments, deadline, action, createsStore: false, unknown)
                .ConfigureAwait(false);
        }
        catch (DhtException e) when (e.Error == DhtError.NoStore)
        {
            throw new CommandFailure(ExitCode.NotFound, "absent", $"no record '{name}'. {e.Message}", e);
        }
    }
}
