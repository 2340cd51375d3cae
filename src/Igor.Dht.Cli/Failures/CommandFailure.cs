using System.Net.Sockets;
using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Dht.Cli.Failures;

/// <summary>
/// A command ends without having done what it was asked for; the message says why and what to do next.
/// </summary>
internal sealed class CommandFailure : Exception
{
    public CommandFailure(int exitCode, string kind, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        ExitCode = exitCode;
        Kind = kind;
    }

    /// <summary>What the process exits with.</summary>
    public int ExitCode { get; }

    /// <summary>The cause as a word for scripts, e.g. "absent".</summary>
    public string Kind { get; }

    /// <summary>The same with a cause that is known by now, if any.</summary>
    public CommandFailure Because(string? cause) =>
        cause is null ? this : new CommandFailure(ExitCode, Kind, $"{Message} ({cause})", InnerException);

    /// <summary>Wrong usage.</summary>
    public static CommandFailure Usage(string message) => new(Failures.ExitCode.Usage, "usage", message);

    /// <summary>Trouble with this machine's files.</summary>
    public static CommandFailure Local(string message, Exception? cause = null) =>
        new(Failures.ExitCode.Local, "local", message, cause);

    /// <summary>A signal ended the command; which one decides about the exit code.</summary>
    public static CommandFailure Interrupted(string message) =>
        new(Failures.ExitCode.Interrupted, "interrupted", message);

    /// <summary>
    /// What an exception means to the caller of a command; null when it is a bug of this program.
    /// </summary>
    public static CommandFailure? From(Exception exception) => exception switch
    {
        CommandFailure failure => failure,
        DhtException dht => FromDht(dht),
        OperationCanceledException => Interrupted("interrupted"),
        ArgumentException argument => Usage(WithoutParameterName(argument)),
        KbrException or IOException or UnauthorizedAccessException or SocketException =>
            Local(exception.Message, exception),
        _ => null,
    };

    private static CommandFailure FromDht(DhtException exception) => exception.Error switch
    {
        DhtError.NotEnoughReplicas =>
            new CommandFailure(
                Failures.ExitCode.Unreachable, "not_enough_replicas", exception.Message, exception),
        DhtError.Unreachable =>
            new CommandFailure(Failures.ExitCode.Unreachable, "unreachable", exception.Message, exception),
        DhtError.Unknown =>
            new CommandFailure(Failures.ExitCode.Unknown, "unknown", exception.Message, exception),
        DhtError.Refused =>
            new CommandFailure(Failures.ExitCode.Refused, "refused", exception.Message, exception),
        _ => Local(exception.Message, exception),
    };

    private static string WithoutParameterName(ArgumentException exception)
    {
        int suffix = exception.Message.IndexOf(" (Parameter '", StringComparison.Ordinal);
        return suffix < 0 ? exception.Message : exception.Message[..suffix];
    }
}
