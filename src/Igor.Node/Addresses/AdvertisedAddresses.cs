using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Igor.Kbr.Wire;

namespace Igor.Node.Addresses;

/// <summary>Which addresses peers are told to reach a node at.</summary>
internal static class AdvertisedAddresses
{
    /// <summary>
    /// How the names of interfaces begin that bridges, tunnels and virtual machines have: what listens there
    /// is reached from this host or by few others, and many hosts have the same addresses there.
    /// </summary>
    private static readonly string[] VirtualNames =
    [
        "br-", "bridge", "cali", "cilium", "cni", "docker", "flannel", "ipsec", "kube", "lxc", "lxd",
        "podman", "tailscale", "tap", "tun", "utun", "vbox", "veth", "virbr", "vmnet", "vnet", "wg", "zt",
    ];

    /// <summary>
    /// The address that was bound or, when that means all interfaces, those of the interfaces that are up,
    /// the ones first that peers can rather use.
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

        string[] found =
        [
            .. InOrder(Cards())
                .Where(address => IsReachable(address, bound.AddressFamily))
                .Take(WireLimits.AddressesMax)
                .Select(address => new IPEndPoint(address, bound.Port).ToString()),
        ];
        return found.Length > 0
            ? found
            : [new IPEndPoint(Loopback(bound.AddressFamily), bound.Port).ToString()];
    }

    /// <summary>
    /// The addresses of interfaces: of those that lead out of their network first, of bridges and tunnels
    /// last.
    /// </summary>
    internal static IEnumerable<IPAddress> InOrder(IEnumerable<Card> cards) => cards
        .OrderBy(card => card.IsTunnel || IsVirtual(card.Name) ? 2 : card.HasGateway ? 0 : 1)
        .SelectMany(card => card.Addresses);

    private static IEnumerable<Card> Cards()
    {
        foreach (NetworkInterface card in NetworkInterface.GetAllNetworkInterfaces())
        {
            if (card.OperationalStatus == OperationalStatus.Up
                && card.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            {
                IPInterfaceProperties properties = card.GetIPProperties();
                yield return new Card(
                    card.Name,
                    card.NetworkInterfaceType == NetworkInterfaceType.Tunnel,
                    properties.GatewayAddresses.Count > 0,
                    [.. properties.UnicastAddresses.Select(unicast => unicast.Address)]);
            }
        }
    }

    private static bool IsVirtual(string name) =>
        VirtualNames.Any(start => name.StartsWith(start, StringComparison.OrdinalIgnoreCase));

    private static bool IsReachable(IPAddress address, AddressFamily bound) =>
        !address.IsIPv6LinkLocal
        && !IPAddress.IsLoopback(address)
        && (address.AddressFamily == bound || bound == AddressFamily.InterNetworkV6);

    private static IPAddress Loopback(AddressFamily family) =>
        family == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback;

    /// <summary>A network interface that is up.</summary>
    /// <param name="Name">As the system calls it.</param>
    /// <param name="IsTunnel">Whether the system knows it to be a tunnel.</param>
    /// <param name="HasGateway">Whether it leads to other networks.</param>
    /// <param name="Addresses">Its addresses.</param>
    internal sealed record Card(
        string Name, bool IsTunnel, bool HasGateway, IReadOnlyList<IPAddress> Addresses);
}
