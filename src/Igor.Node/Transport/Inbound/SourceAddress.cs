using System.Net;
using System.Net.Sockets;

namespace Igor.Node;

/// <summary>
/// The address that a bound is held for: an IPv4 address, or all of an IPv6 site, which costs as much.
/// </summary>
internal static class SourceAddress
{
    private const int SitePrefixBytes = 8;

    /// <summary>The source that an address belongs to.</summary>
    public static IPAddress Of(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address))
        {
            return address;
        }

        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(SitePrefixBytes).Clear();
        return new IPAddress(bytes);
    }
}
