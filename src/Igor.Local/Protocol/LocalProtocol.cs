using Igor.Kbr;

namespace Igor.Local.Protocol;

/// <summary>
/// What both ends of the local socket agree on. A frame is a 4-byte big-endian length and that many bytes: a
/// MessagePack array whose first element is the <see cref="LocalFrameType"/>. docs/protocol.md has the words.
/// </summary>
internal static class LocalProtocol
{
    /// <summary>The oldest version of the protocol that this program speaks.</summary>
    public const int VersionMin = 1;

    /// <summary>The newest version of the protocol that this program speaks.</summary>
    public const int VersionMax = 1;

    /// <summary>Bytes of the length in front of each frame.</summary>
    public const int LengthBytes = 4;

    /// <summary>What a frame may hold besides its payload.</summary>
    public const int HeaderBytesMax = 4 * 1024;

    /// <summary>
    /// The largest body that an application accepts: a daemon is trusted, a broken one is not.
    /// </summary>
    public const int BodyBytesMax = 16 * 1024 * 1024;

    /// <summary>
    /// Longest text in a frame, in UTF-8 bytes; error messages and addresses are far shorter.
    /// </summary>
    public const int TextBytesMax = 2 * 1024;

    /// <summary>
    /// Most elements of a list in a frame: above any bound on peers, neighbours and services.
    /// </summary>
    public const int ListLengthMax = 65_536;

    /// <summary>Longest time that a request may wait, in milliseconds: an hour.</summary>
    public const int TimeoutMsMax = RequestOptions.TimeoutMsMax;
}
