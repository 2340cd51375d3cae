using System.Globalization;
using System.Net;
using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Node.Addresses;
using Igor.Node.Reporting;

namespace Igor.Node;

/// <summary>Says which option has which wrong value, and what it may be.</summary>
public static class IgorNodeOptionsValidator
{
    private const int AdvertiseMax = 4;
    private const int BootstrapMax = 64;
    private const long HeldBytesMost = 16L << 30;

    /// <summary>What is wrong with the options, one sentence each; empty when all is well.</summary>
    public static IReadOnlyList<string> Validate(IgorNodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var faults = new List<string>();
        if (options.DataFolder is { } folder && string.IsNullOrWhiteSpace(folder))
        {
            faults.Add($"DataFolder is '{folder}': it must be a path, or null to keep nothing.");
        }

        if (options.Listen is { } listen && HostPort.Fault(listen, isToListen: true) is { } fault)
        {
            faults.Add($"Listen is '{listen}': {fault}, or null to listen nowhere.");
        }

        CheckAddresses(faults, nameof(options.Advertise), options.Advertise, AdvertiseMax);
        CheckLiterals(faults, nameof(options.Advertise), options.Advertise);
        CheckAddresses(faults, nameof(options.Bootstrap), options.Bootstrap, BootstrapMax);
        if (!ServiceId.IsValidName(options.Network))
        {
            faults.Add(
                $"Network is '{PrintableText.Of(options.Network ?? "")}': it must have "
                + $"{ServiceId.NameRule}.");
        }

        CheckTime(faults, nameof(options.ConnectTimeout), options.ConnectTimeout, 0.1, 120);
        CheckTime(faults, nameof(options.FirstBytesTimeout), options.FirstBytesTimeout, 0.1, 120);
        CheckTime(faults, nameof(options.HandshakeTimeout), options.HandshakeTimeout, 0.1, 120);
        CheckTime(faults, nameof(options.LeaveTimeout), options.LeaveTimeout, 0, 60);
        CheckCount(faults, nameof(options.PendingConnectionsMax), options.PendingConnectionsMax, 16, 65536);
        CheckCount(faults, nameof(options.HandshakesMax), options.HandshakesMax, 1, 4096);
        CheckCount(
            faults, nameof(options.HandshakesPerSecondMax), options.HandshakesPerSecondMax, 1, 100_000);
        CheckCount(
            faults, nameof(options.StrangerFramesPerSecond), options.StrangerFramesPerSecond, 10, 1_000_000);
        CheckCount(
            faults, nameof(options.StrangerBytesPerSecond), options.StrangerBytesPerSecond, 65536, 1 << 30);
        CheckCount(faults, nameof(options.ConnectionsMax), options.ConnectionsMax, 8, 65536);
        CheckCount(faults, nameof(options.OutgoingBytesMax), options.OutgoingBytesMax, 64 * 1024, 1 << 30);
        CheckTime(faults, nameof(options.StallTimeout), options.StallTimeout, 1, 600);
        CheckHeldBytes(faults, options);
        CheckCount(faults, nameof(options.QueueMax), options.QueueMax, 16, 1 << 20);
        CheckOverlay(faults, options.Overlay);
        if (options.OutgoingBytesMax < options.Overlay.PayloadBytesMax + (64 * 1024))
        {
            faults.Add(
                $"OutgoingBytesMax is {options.OutgoingBytesMax}: it must have room for the largest message, "
                + $"Overlay.PayloadBytesMax ({options.Overlay.PayloadBytesMax}) and 64 KiB.");
        }

        return faults;
    }

    /// <summary>Refuses wrong options.</summary>
    /// <exception cref="NodeStartException">Some are wrong; the message names them all.</exception>
    internal static void ThrowIfWrong(IgorNodeOptions options)
    {
        IReadOnlyList<string> faults = Validate(options);
        if (faults.Count > 0)
        {
            throw new NodeStartException("The node's options are wrong. " + string.Join(' ', faults));
        }
    }

    /// <summary>
    /// A third of what strangers may hold together is what one of them may, and has to be a whole message.
    /// </summary>
    private static void CheckHeldBytes(List<string> faults, IgorNodeOptions options)
    {
        long least = Math.Max(12L * options.Overlay.PayloadBytesMax, 1024 * 1024);
        if (options.HeldBytesMax < least || options.HeldBytesMax > HeldBytesMost)
        {
            faults.Add(
                $"HeldBytesMax is {options.HeldBytesMax}: it must be {least} (12 times "
                + $"Overlay.PayloadBytesMax, 1 MiB at least) to {HeldBytesMost}.");
        }
    }

    private static void CheckOverlay(List<string> faults, OverlayOptions overlay)
    {
        CheckCount(faults, nameof(overlay.NeighboursPerSide), overlay.NeighboursPerSide, 1, 32);
        CheckTime(faults, nameof(overlay.HeartbeatPeriod), overlay.HeartbeatPeriod, 0.1, 600);
        CheckTime(faults, nameof(overlay.FingerPeriod), overlay.FingerPeriod, 1, 3600);
        CheckTime(
            faults, nameof(overlay.DistantHeartbeatPeriod), overlay.DistantHeartbeatPeriod, 0.1, 3600);
        CheckTime(faults, nameof(overlay.ProbeTimeout), overlay.ProbeTimeout, 1.5, 600);
        CheckTime(faults, nameof(overlay.JoinPatience), overlay.JoinPatience, 0, 600);
        CheckCount(
            faults, nameof(overlay.UpkeepBytesPerSecond), overlay.UpkeepBytesPerSecond, 200, 1_000_000);
        CheckCount(faults, nameof(overlay.LinksMax), overlay.LinksMax, 8, 65536);
        CheckCount(faults, nameof(overlay.PendingMax), overlay.PendingMax, 16, 1 << 20);
        CheckCount(faults, nameof(overlay.PayloadBytesMax), overlay.PayloadBytesMax, 1024, 15 << 20);
    }

    private static void CheckAddresses(
        List<string> faults, string name, IReadOnlyList<string> addresses, int most)
    {
        if (addresses.Count > most)
        {
            faults.Add($"{name} has {addresses.Count} addresses: at most {most} are allowed.");
        }

        foreach (string address in addresses)
        {
            if (HostPort.Fault(address ?? "", isToListen: false) is { } fault)
            {
                faults.Add($"{name} holds '{address}': {fault}.");
            }
        }
    }

    /// <summary>Peers take no names from each other: they could mean any host.</summary>
    private static void CheckLiterals(List<string> faults, string name, IReadOnlyList<string> addresses)
    {
        foreach (string address in addresses)
        {
            if (HostPort.TryParse(address, out HostPort parsed) && parsed.Port != 0
                && !IPAddress.TryParse(parsed.Host, out _))
            {
                faults.Add($"{name} holds '{address}': peers are told IP addresses only, no names.");
            }
        }
    }

    private static void CheckTime(List<string> faults, string name, TimeSpan value, double least, double most)
    {
        if (value.TotalSeconds < least || value.TotalSeconds > most)
        {
            faults.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{name} is {value.TotalSeconds} s: it must be {least} s to {most} s."));
        }
    }

    private static void CheckCount(List<string> faults, string name, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            faults.Add(string.Create(
                CultureInfo.InvariantCulture, $"{name} is {value}: it must be {least} to {most}."));
        }
    }
}
