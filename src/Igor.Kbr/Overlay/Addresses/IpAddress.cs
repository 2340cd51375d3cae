using System.Buffers;
using System.Globalization;
using System.Net;

namespace Igor.Kbr.Overlay.Addresses;

/// <summary>
/// IP addresses as peers tell them, read strictly: decimal IPv4, IPv6 by RFC 4291 without a zone. Other ways
/// to write one (octal, one number, names) are none, since they mean different things to different readers.
/// </summary>
internal static class IpAddress
{
    private const int V6Bytes = 16;

    private static readonly SearchValues<char> V6Characters = SearchValues.Create("0123456789abcdefABCDEF:.");

    /// <summary>The range of a host:port, an IPv6 host in brackets, and its host in one form.</summary>
    public static (AddressRange Range, string Host) Classify(string address)
    {
        int colon = address.LastIndexOf(':');
        if (colon < 1 || !IsPort(address.AsSpan(colon + 1)))
        {
            return (AddressRange.Unusable, string.Empty);
        }

        ReadOnlySpan<char> host = address.AsSpan(0, colon);
        Span<byte> bytes = stackalloc byte[V6Bytes];
        if (host[0] == '[' && host[^1] == ']')
        {
            return TryReadV6(host[1..^1], bytes) ? RangeOfV6(bytes) : (AddressRange.Unusable, string.Empty);
        }

        return TryReadV4(host, bytes) ? RangeOfV4(bytes[..4]) : (AddressRange.Unusable, string.Empty);
    }

    private static bool IsPort(ReadOnlySpan<char> text) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port != 0;

    private static (AddressRange Range, string Host) RangeOfV4(ReadOnlySpan<byte> ip)
    {
        AddressRange range = ip switch
        {
            [0, ..] or [>= 224, ..] => AddressRange.Unusable,
            [127, ..] => AddressRange.Loopback,
            [10, ..] => AddressRange.Private10,
            [172, >= 16 and <= 31, ..] => AddressRange.Private172,
            [192, 168, ..] => AddressRange.Private192,
            [169, 254, ..] => AddressRange.LinkLocal,
            [100, >= 64 and <= 127, ..] => AddressRange.CarrierNat,
            _ => AddressRange.Public,
        };
        return (range, string.Create(CultureInfo.InvariantCulture, $"{ip[0]}.{ip[1]}.{ip[2]}.{ip[3]}"));
    }

    private static (AddressRange Range, string Host) RangeOfV6(ReadOnlySpan<byte> ip)
    {
        bool isFirstHalfZero = ip[..8].IndexOfAnyExcept((byte)0) < 0;
        if (isFirstHalfZero && ip[8..12] is [0, 0, 0xFF, 0xFF])
        {
            return RangeOfV4(ip[12..]); // IPv4-mapped: the system connects to the IPv4 address
        }

        AddressRange range = ip switch
        {
            [0, ..] when isFirstHalfZero && ip[8..] is [0, 0, 0, 0, 0, 0, 0, 1] => AddressRange.Loopback,
            [0x20, 0x02, ..] => AddressRange.Unusable, // 6to4: any IPv4 address inside
            [0x20, 0x01, 0, 0, ..] => AddressRange.Unusable, // Teredo: the same
            [0xFE, >= 0x80 and <= 0xBF, ..] => AddressRange.LinkLocal,
            [0xFC or 0xFD, ..] => AddressRange.UniqueLocal,
            [>= 0x20 and <= 0x3F, ..] => AddressRange.Public, // 2000::/3, all that is assigned
            _ => AddressRange.Unusable,
        };

        // Who owns an address owns the 2^64 beside it.
        return (range, Convert.ToHexString(ip[..8]));
    }

    private static bool TryReadV4(ReadOnlySpan<char> text, Span<byte> ip) =>
        !text.Contains(':') && IPAddress.TryParse(text, out IPAddress? address)
        && text.SequenceEqual(address.ToString()) && address.TryWriteBytes(ip, out _);

    private static bool TryReadV6(ReadOnlySpan<char> text, Span<byte> ip) =>
        !text.ContainsAnyExcept(V6Characters) && text.Contains(':')
        && IPAddress.TryParse(text, out IPAddress? address) && address.TryWriteBytes(ip, out _);
}
