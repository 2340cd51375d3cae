using Microsoft.Extensions.Logging;

namespace Igor.Local;

/// <summary>What the local socket reports: event ids 200 to 299.</summary>
internal static partial class LocalSocketLog
{
    [LoggerMessage(200, LogLevel.Information, "Applications can attach at {path}.")]
    public static partial void Listening(ILogger logger, string path);

    [LoggerMessage(201, LogLevel.Information, "Application '{application}' attached (process {process}).")]
    public static partial void Attached(ILogger logger, string application, int process);

    [LoggerMessage(202, LogLevel.Information, "Application '{application}' is gone: {cause}.")]
    public static partial void Gone(ILogger logger, string application, string cause);

    [LoggerMessage(203, LogLevel.Warning, "Application '{application}' was disconnected: {cause}.")]
    public static partial void Disconnected(ILogger logger, string application, string cause);

    [LoggerMessage(204, LogLevel.Warning, "An application was refused: {cause}")]
    public static partial void Refused(ILogger logger, string cause);

    [LoggerMessage(206, LogLevel.Error, "A bug in the local socket or in the node ended a session")]
    public static partial void SessionFailed(ILogger logger, Exception exception);

    [LoggerMessage(205, LogLevel.Error, "Accepting applications fails for now: {cause}")]
    public static partial void AcceptFailed(ILogger logger, string cause);
}
