using Microsoft.Extensions.Logging;

namespace Igor.Dht;

/// <summary>What an <see cref="IgorDht"/> logs.</summary>
internal static partial class DhtLog
{
    [LoggerMessage(1, LogLevel.Error, "A fault of the DHT's; it goes on")]
    public static partial void Bug(ILogger log, Exception problem);

    [LoggerMessage(2, LogLevel.Information, "Taking part in the DHT as {Attachment}, node {NodeId}")]
    public static partial void Opened(ILogger log, DhtAttachment attachment, Igor.Kbr.Key nodeId);

    [LoggerMessage(3, LogLevel.Warning, "Too much waits to be handled; a message was dropped")]
    public static partial void Dropped(ILogger log);

    [LoggerMessage(
        5,
        LogLevel.Warning,
        "Left after {Seconds} s before the other members had all that they should have of what is here")]
    public static partial void LeftUnfinished(ILogger log, double seconds);

    [LoggerMessage(4, LogLevel.Warning, "{Text}")]
    public static partial void Noted(ILogger log, string text);
}
