using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Igor.Kbr.Wire;

namespace Igor.Node.Addresses;

/// <summary>Which addresses peers are told to reach a node at.</summary>
internal static class AdvertisedAddresses
{
    /// <summary>
    /// The address that was bound or, when that means all interfaces, those of the interfaces that are up.
    /// </summary>
    public static IReadOnlyList<string> Of(IPEndPoint? bound)
    {
        if (bound is null)
        {
            return [];
        }

        if (!bound.Address.Equals(IPAddress.Any) && !bound.Address.Equals(IPAddress.IPv6Any))
        {
            return [bound.ToString()];
        }

        List<string> found =
        [
            .. NetworkInterface.GetAllNetworkInterfaces()
                .Where(card => card.OperationalStatus == OperationalStatus.Up
                    && card.NetworkInterfaceType != NetworkInterfaceType.Loopback)
                .SelectMany(card => card.GetIPProperties().UnicastAddresses)
                .Select(unicast => unicast.Address)
                .Where(address => IsReachable(address, bound.AddressFamily))
                .Take(WireLimits.AddressesMax)
                .Select(address => new IPEndPoint(address, bound.Port).ToString()),
        ];
        return found.Count > 0
            ? found
            : [new IPEndPoint(Loopback(bound.AddressFamily), bound.Port).ToString()];
    }

    private static bool IsReachable(IPAddress address, AddressFamily bound) =>
        !address.IsIPv6LinkLocal
        && !IPAddress.IsLoopback(address)
        && (address.AddressFamily == bound || bound == AddressFamily.InterNetworkV6);

    private static IPAddress Loopback(AddressFamily family) =>
        family == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback;
}
