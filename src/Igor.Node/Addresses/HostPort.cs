using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Igor.Node.Addresses;

/// <summary>An address as people write it: host:port, an IPv6 host in brackets.</summary>
/// <param name="Host">A name or an IP address, without brackets.</param>
/// <param name="Port">0 to 65535.</param>
public readonly record struct HostPort(string Host, int Port)
{
    private const int HostLengthMax = 253;
    private const int LabelLengthMax = 63;

    /// <summary>Reads host:port.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out HostPort address)
    {
        address = default;
        int colon = text?.LastIndexOf(':') ?? -1;
        if (colon < 1 || !TryParsePort(text.AsSpan(colon + 1), out int port))
        {
            return false;
        }

        string host = text![..colon];
        bool isBracketed = host.StartsWith('[') && host.EndsWith(']');
        host = isBracketed ? host[1..^1] : host;
        if (isBracketed ? !IsIPv6(host) : !IsNameOrIPv4(host))
        {
            return false;
        }

        address = new HostPort(host, port);
        return true;
    }

    /// <summary>
    /// What is wrong with an address that somebody wrote, as the end of a sentence that says what was
    /// written; null when nothing is.
    /// </summary>
    /// <param name="text">What was written.</param>
    /// <param name="isToListen">Whether it is to listen on: port 0, a free one, is allowed then.</param>
    public static string? Fault(string text, bool isToListen)
    {
        ArgumentNullException.ThrowIfNull(text);
        string form = isToListen
            ? "it must be HOST:PORT with a port of 0 (a free one) to 65535"
            : "it must be HOST:PORT with a port of 1 to 65535";
        if (TryParse(text, out HostPort address))
        {
            return address.Port == 0 && !isToListen ? form : null;
        }

        return Bracketed(text) is { } bracketed
            ? $"{form}; an IPv6 address stands in brackets, such as {bracketed}"
            : form;
    }

    /// <summary>host:port, an IPv6 host in brackets.</summary>
    public override string ToString() =>
        Host.Contains(':', StringComparison.Ordinal)
            ? string.Create(CultureInfo.InvariantCulture, $"[{Host}]:{Port}")
            : string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");

    /// <summary>The same with brackets where they are all that is missing.</summary>
    private static string? Bracketed(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon > 0
            && text.IndexOf(':', StringComparison.Ordinal) < colon
            && IsIPv6(text[..colon])
            && TryParsePort(text.AsSpan(colon + 1), out _))
        {
            return $"[{text[..colon]}]:{text[(colon + 1)..]}";
        }

        return IsIPv6(text.Trim('[', ']')) ? $"[{text.Trim('[', ']')}]:4646" : null;
    }

    private static bool TryParsePort(ReadOnlySpan<char> text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= 65535;

    /// <summary>An IPv6 address, perhaps with a scope, which means something on its own host only.</summary>
    private static bool IsIPv6(string host)
    {
        int scope = host.IndexOf('%', StringComparison.Ordinal);
        return host.Contains(':', StringComparison.Ordinal)
            && host.All(IsOfHost)
            && scope != host.Length - 1
            && IPAddress.TryParse(scope < 0 ? host : host[..scope], out IPAddress? address)
            && address.AddressFamily == AddressFamily.InterNetworkV6;
    }

    /// <summary>
    /// What ends in a number must be an IPv4 address in four parts, as in a URL: all else is a slip.
    /// </summary>
    private static bool IsNameOrIPv4(string host)
    {
        string[] labels = host.TrimEnd('.').Split('.');
        return host.Length is > 0 and <= HostLengthMax
            && host.All(IsOfName)
            && Array.TrueForAll(labels, label => label.Length is > 0 and <= LabelLengthMax && label[0] != '-')
            && (!labels[^1].All(char.IsAsciiDigit)
                || (labels.Length == 4 && IPAddress.TryParse(host, out _)));
    }

    private static bool IsOfHost(char c) => IsOfName(c) || c is ':' or '%';

    private static bool IsOfName(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_';
}
