using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Igor.Node;

/// <summary>An address as people write it: host:port, an IPv6 host in brackets.</summary>
/// <param name="Host">A name or an IP address, without brackets.</param>
/// <param name="Port">0 to 65535.</param>
public readonly record struct HostPort(string Host, int Port)
{
    private const int HostLengthMax = 253;

    /// <summary>What a name, an IP address and a scope (%eth0) have besides letters and digits.</summary>
    private const string HostMarks = ".-_:%";

    /// <summary>Reads host:port.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out HostPort address)
    {
        address = default;
        int colon = text?.LastIndexOf(':') ?? -1;
        if (colon < 1
            || !int.TryParse(
                text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            || port > 65535)
        {
            return false;
        }

        string host = text![..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
            if (!host.Contains(':', StringComparison.Ordinal))
            {
                return false;
            }
        }
        else if (host.Contains(':', StringComparison.Ordinal))
        {
            return false;
        }

        if (host.Length is 0 or > HostLengthMax
            || !host.All(c => char.IsAsciiLetterOrDigit(c) || HostMarks.Contains(c)))
        {
            return false;
        }

        address = new HostPort(host, port);
        return true;
    }

    /// <summary>host:port, an IPv6 host in brackets.</summary>
    public override string ToString() =>
        Host.Contains(':', StringComparison.Ordinal)
            ? string.Create(CultureInfo.InvariantCulture, $"[{Host}]:{Port}")
            : string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
}
