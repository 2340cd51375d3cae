using Microsoft.Extensions.Logging;

namespace Igor.Daemon;

/// <summary>What the daemon itself logs.</summary>
internal static partial class DaemonLog
{
    [LoggerMessage(300, LogLevel.Warning, "{Text}")]
    public static partial void Noted(ILogger log, string text);
}
