using Igor.Kbr;
using Microsoft.Extensions.Logging;

namespace Igor.Node.Reporting;

/// <summary>
/// What a node logs. Event ids 100 to 199 belong to the node, 200 to 299 to its local socket.
/// </summary>
internal static partial class NodeLog
{
    [LoggerMessage(
        100, LogLevel.Information, "Node {NodeId} of network {Network} started, listening on {EndPoint}")]
    public static partial void Started(ILogger log, Key nodeId, string network, string endPoint);

    [LoggerMessage(101, LogLevel.Information, "Node {NodeId} stopped")]
    public static partial void Stopped(ILogger log, Key nodeId);

    [LoggerMessage(EventId = 102, Message = "Connection from {Remote} refused: {Cause}")]
    public static partial void ConnectionRefused(ILogger log, LogLevel level, string remote, string cause);

    [LoggerMessage(103, LogLevel.Warning, "The system hands out no connections: {Cause}")]
    public static partial void AcceptFailed(ILogger log, string cause);

    [LoggerMessage(104, LogLevel.Debug, "Link {Link} with {Remote} ({Peer}) opened")]
    public static partial void LinkOpened(ILogger log, long link, string remote, Key peer);

    [LoggerMessage(105, LogLevel.Debug, "Link {Link} with {Remote} closed: {Cause}")]
    public static partial void LinkClosed(ILogger log, long link, string remote, string cause);

    [LoggerMessage(
        106, LogLevel.Warning, "{Count} connections were still open when the time for leaving was over")]
    public static partial void LeaveUnfinished(ILogger log, int count);

    [LoggerMessage(107, LogLevel.Warning, "The known peers in {Path} are ignored: {Cause}")]
    public static partial void PeerCacheUnreadable(ILogger log, string path, string cause);

    [LoggerMessage(108, LogLevel.Warning, "The known peers cannot be written to {Path}: {Cause}")]
    public static partial void PeerCacheUnwritable(ILogger log, string path, string cause);

    [LoggerMessage(109, LogLevel.Error, "A bug in the node or in an application of it")]
    public static partial void Bug(ILogger log, Exception problem);

    [LoggerMessage(
        117,
        LogLevel.Error,
        "The application of service '{Service}' threw in {Upcall}: a bug in it. The node goes on")]
    public static partial void ApplicationThrew(
        ILogger log, string service, string upcall, Exception problem);

    [LoggerMessage(118, LogLevel.Warning, "Peer {Peer} is silent: {Text}")]
    public static partial void PeerSilent(ILogger log, Key peer, string text);

    [LoggerMessage(110, LogLevel.Information, "Joined the ring: {Text}")]
    public static partial void Joined(ILogger log, string text);

    [LoggerMessage(111, LogLevel.Debug, "Peer {Peer} connected: {Text}")]
    public static partial void PeerConnected(ILogger log, Key peer, string text);

    [LoggerMessage(112, LogLevel.Debug, "Peer {Peer} lost: {Text}")]
    public static partial void PeerLost(ILogger log, Key peer, string text);

    [LoggerMessage(113, LogLevel.Warning, "Refused: {Text}")]
    public static partial void Refused(ILogger log, string text);

    [LoggerMessage(114, LogLevel.Information, "Cannot connect: {Text}")]
    public static partial void DialFailed(ILogger log, string text);

    [LoggerMessage(115, LogLevel.Warning, "Peer {Peer} broke the protocol: {Text}")]
    public static partial void ProtocolError(ILogger log, Key peer, string text);

    [LoggerMessage(116, LogLevel.Warning, "A limit was reached: {Text}")]
    public static partial void LimitReached(ILogger log, string text);

    [LoggerMessage(130, LogLevel.Warning, "Trouble: {Text} ({Kind})")]
    public static partial void Troubled(ILogger log, string text, string kind);

    [LoggerMessage(131, LogLevel.Warning, "No trouble any more: {Kind}")]
    public static partial void TroubleOver(ILogger log, string kind);

    [LoggerMessage(117, LogLevel.Warning, "{Text}")]
    public static partial void Noted(ILogger log, string text);

    [LoggerMessage(132, LogLevel.Warning, "Clocks differ: {Text}")]
    public static partial void ClockDeviates(ILogger log, string text);

    [LoggerMessage(133, LogLevel.Error, "This node has to end: {Text}")]
    public static partial void IdentityLost(ILogger log, string text);
}
