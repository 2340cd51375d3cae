namespace Igor.Kbr.Wire;

/// <summary>Bounds on what a peer may say; beyond them it is disconnected or the rest is ignored.</summary>
internal static class WireLimits
{
    /// <summary>The one version of the peer protocol so far.</summary>
    public const int ProtocolVersion = 1;

    /// <summary>Bytes that a frame may have beyond its payload.</summary>
    public const int FrameOverheadBytes = 4096;

    /// <summary>Bytes of the largest payload that each node takes, however small its bound.</summary>
    public const int PayloadBytesLeast = 1024;

    /// <summary>Bytes of a frame that each node takes.</summary>
    public const int FrameBytesLeast = PayloadBytesLeast + FrameOverheadBytes;

    /// <summary>Addresses per node: what a host with IPv4, IPv6, a mapped port and a name needs.</summary>
    public const int AddressesMax = 4;

    /// <summary>Longest address: a DNS name and a port.</summary>
    public const int AddressLengthMax = 262;

    /// <summary>Services per node: a list of all has 64 KiB.</summary>
    public const int ServicesMax = 4096;

    /// <summary>Contacts in one message: both sides of the largest neighbour set.</summary>
    public const int ContactsMax = 64;

    /// <summary>Nodes listed by short terms: the largest neighbour set and its own.</summary>
    public const int TermsMax = ContactsMax + 1;

    /// <summary>Rings in one question for this node's place.</summary>
    public const int PlacesMax = 32;

    /// <summary>Longest text for people in a message.</summary>
    public const int TextLengthMax = 256;

    /// <summary>Latest time that a clock can show, in milliseconds since 1970 UTC: year 9999.</summary>
    public const long UnixMsMax = 253_402_300_799_999;

    /// <summary>Most hops of a message; a ring of 2^64 nodes needs fewer.</summary>
    public const int HopsMax = 64;
}
