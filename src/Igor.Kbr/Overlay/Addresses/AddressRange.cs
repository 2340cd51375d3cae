namespace Igor.Kbr.Overlay.Addresses;

/// <summary>Where an IP address leads to.</summary>
internal enum AddressRange
{
    /// <summary>Nowhere that a node could be: a name, all or no hosts, multicast, reserved.</summary>
    Unusable,

    /// <summary>Anywhere.</summary>
    Public,

    /// <summary>This host (127/8, ::1).</summary>
    Loopback,

    /// <summary>The cable this host is on (169.254/16, fe80::/10).</summary>
    LinkLocal,

    /// <summary>A private network (RFC 1918, 10/8).</summary>
    Private10,

    /// <summary>A private network (RFC 1918, 172.16/12).</summary>
    Private172,

    /// <summary>A private network (RFC 1918, 192.168/16).</summary>
    Private192,

    /// <summary>A provider's network behind its address translation (RFC 6598, 100.64/10).</summary>
    CarrierNat,

    /// <summary>A private network (RFC 4193, fc00::/7).</summary>
    UniqueLocal,
}
