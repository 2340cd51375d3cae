using System.Globalization;
using Igor.Kbr;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Igor.Daemon;

/// <summary>
/// A log message as one line: time, level, who says it, the message. Peers have a say in messages (addresses,
/// reasons, names), so control characters are written out: a terminal does not obey them.
/// </summary>
internal sealed class LogLine() : ConsoleFormatter(FormatterName)
{
    /// <summary>What the console's options call it.</summary>
    public const string FormatterName = "line";

    /// <inheritdoc/>
    public override void Write<TState>(
        in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        string time = DateTimeOffset.Now.ToString(
            "yyyy-MM-ddTHH:mm:ss.fffzzz", CultureInfo.InvariantCulture);
        string text = logEntry.Formatter(logEntry.State, logEntry.Exception);
        if (logEntry.Exception is { } problem)
        {
            text += " " + problem;
        }

        textWriter.Write($"{time} {Word(logEntry.LogLevel)}: {logEntry.Category}[{logEntry.EventId.Id}] ");
        textWriter.WriteLine(PrintableText.Of(text.ReplaceLineEndings(" ")));
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => "trce",
        LogLevel.Debug => "dbug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "fail",
        _ => "crit",
    };
}
