using System.CommandLine;

namespace Igor.Dht.Cli;

/// <summary>A command of igor-dht: its name, what it is for, and examples that its help ends with.</summary>
internal abstract class CliCommand : Command
{
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
}
