using System.Net;
using System.Net.Sockets;

namespace Igor.Node.Addresses;

/// <summary>
/// The address that a bound is held for: an IPv4 address, or all of an IPv6 site, which costs as much.
/// </summary>
internal static class SourceAddress
{
    private const int SitePrefixBytes = 8;

    /// <summary>The IPv4 address that a socket for both kinds shows in the form of IPv6.</summary>
    public static IPAddress Plain(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>host:port of the other end of a connection, as others can dial it.</summary>
    public static string TextOf(EndPoint? remote) => remote is IPEndPoint { Address: var address } end
        ? new IPEndPoint(Plain(address), end.Port).ToString()
        : remote?.ToString() ?? "unknown";

    /// <summary>The source that an address belongs to.</summary>
    public static IPAddress Of(IPAddress address)
    {
        address = Plain(address);
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address))
        {
            return address;
        }

        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(SitePrefixBytes).Clear();
        return new IPAddress(bytes);
    }
}
