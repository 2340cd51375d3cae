using System.Buffers.Binary;

namespace Igor.Node.Transport.Inbound;

/// <summary>
/// Looks at the first bytes of a connection: whether they can be the record with which a TLS client begins,
/// and how long that is. A look, not a reading: what follows from its content is for TLS to say.
/// </summary>
internal static class ClientHelloRecord
{
    /// <summary>Bytes of a record's header: type, version, length.</summary>
    public const int HeaderBytes = 5;

    /// <summary>The longest record, RFC 8446 section 5.1.</summary>
    public const int BytesMax = HeaderBytes + (1 << 14);

    private const byte Handshake = 22;
    private const byte MajorVersion = 3;
    private const byte ClientHello = 1;

    /// <summary>Whether bytes, as far as they are there, can begin a TLS connection.</summary>
    public static bool IsPossible(ReadOnlySpan<byte> bytes) =>
        (bytes.Length < 1 || bytes[0] == Handshake)
        && (bytes.Length < 2 || bytes[1] == MajorVersion)
        && (bytes.Length < HeaderBytes || LengthOf(bytes) is > HeaderBytes and <= BytesMax)
        && (bytes.Length <= HeaderBytes || bytes[HeaderBytes] == ClientHello);

    /// <summary>Bytes of the whole record; those of its header while that is not there.</summary>
    public static int LengthOf(ReadOnlySpan<byte> bytes) => bytes.Length < HeaderBytes
        ? HeaderBytes
        : HeaderBytes + BinaryPrimitives.ReadUInt16BigEndian(bytes[3..]);
}
