using Microsoft.Extensions.Logging;

namespace Igor.Node;

/// <summary>What the local socket reports.</summary>
internal static partial class LocalSocketLog
{
    [LoggerMessage(100, LogLevel.Information, "Applications can attach at {path}.")]
    public static partial void Listening(ILogger logger, string path);

    [LoggerMessage(101, LogLevel.Information, "Application '{application}' attached (process {process}).")]
    public static partial void Attached(ILogger logger, string application, int process);

    [LoggerMessage(102, LogLevel.Information, "Application '{application}' is gone: {cause}.")]
    public static partial void Gone(ILogger logger, string application, string cause);

    [LoggerMessage(103, LogLevel.Warning, "Application '{application}' was disconnected: {cause}.")]
    public static partial void Disconnected(ILogger logger, string application, string cause);

    [LoggerMessage(104, LogLevel.Warning, "An application was refused: {cause}")]
    public static partial void Refused(ILogger logger, string cause);

    [LoggerMessage(105, LogLevel.Error, "Accepting applications fails for now: {cause}")]
    public static partial void AcceptFailed(ILogger logger, string cause);
}
