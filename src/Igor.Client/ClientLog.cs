using Microsoft.Extensions.Logging;

namespace Igor.Client;

/// <summary>What the client reports.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(
        1, LogLevel.Warning, "The connection to the daemon at {path} is lost: {cause}. Connecting anew.")]
    public static partial void ConnectionLost(ILogger logger, string path, string cause);

    [LoggerMessage(2, LogLevel.Information, "Connected to the daemon at {path} again; node {node}.")]
    public static partial void Reconnected(ILogger logger, string path, string node);

    [LoggerMessage(3, LogLevel.Debug, "No daemon yet (attempt {attempt}): {cause}")]
    public static partial void StillWaiting(ILogger logger, int attempt, string cause);

    [LoggerMessage(
        4, LogLevel.Error, "The service '{service}' could not be subscribed again and is closed: {cause}")]
    public static partial void ResubscribeRefused(ILogger logger, string service, string cause);

    [LoggerMessage(
        5,
        LogLevel.Error,
        "The application of service '{service}' threw in {upcall}: a bug in it. The client goes on.")]
    public static partial void UpcallThrew(
        ILogger logger, string service, string upcall, Exception exception);

    [LoggerMessage(6, LogLevel.Warning, "The daemon refused a frame: {text}")]
    public static partial void FrameRefused(ILogger logger, string text);

    [LoggerMessage(7, LogLevel.Information, "{text}.")]
    public static partial void Noted(ILogger logger, string text);
}
