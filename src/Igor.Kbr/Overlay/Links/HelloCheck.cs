using Igor.Kbr.Overlay.Addresses;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Links;

/// <summary>Why a peer is refused.</summary>
/// <param name="Reason">The reason.</param>
/// <param name="TextThere">The sentence that the peer reads: "it" is this node.</param>
/// <param name="Text">The sentence that is read here: "it" is the peer.</param>
internal sealed record Objection(GoodbyeReason Reason, string TextThere, string Text);

/// <summary>What a hello says, judged: whether the peer belongs here, and where it can be reached.</summary>
internal static class HelloCheck
{
    /// <summary>There is no room for a peer.</summary>
    public static Objection Full { get; } = new(
        GoodbyeReason.Full,
        "it has as many connections as it may",
        "this node has as many connections as it may");

    /// <summary>Why a peer that says hello like this does not belong here; null when it does.</summary>
    public static Objection? ObjectionTo(string network, HelloMessage hello)
    {
        if (hello.Network != network)
        {
            return new Objection(
                GoodbyeReason.WrongNetwork,
                $"it belongs to network '{network}', this node to '{hello.Network}'",
                $"it belongs to network '{hello.Network}', this node to '{network}'");
        }

        return hello.VersionMin > WireLimits.ProtocolVersion || hello.VersionMax < WireLimits.ProtocolVersion
            ? new Objection(
                GoodbyeReason.WrongVersion,
                $"it speaks version {WireLimits.ProtocolVersion} of the protocol only",
                $"this node speaks version {WireLimits.ProtocolVersion} of the protocol only")
            : null;
    }

    /// <summary>
    /// The addresses that a peer says it has, as far as it may say so. A node that listens on all its
    /// addresses does not know which: the link shows one.
    /// </summary>
    public static ImmutableArray<string> UsableAddresses(in HelloMessage hello, Link link, bool dialPrivate)
    {
        string host = link.ProvenAddress[..Math.Max(link.ProvenAddress.LastIndexOf(':'), 0)];
        AddressRange range = IpAddress.Classify(link.ProvenAddress).Range;
        var self = new Teller(link.PeerId, range, IsTrusted: false, WasAsked: false);
        return
        [
            .. hello.Addresses.Select(a =>
                a.StartsWith("0.0.0.0:", StringComparison.Ordinal)
                || a.StartsWith("[::]:", StringComparison.Ordinal)
                    ? host + a[a.LastIndexOf(':')..]
                    : a == link.ProvenAddress ? link.ProvenAddress // one string in memory
                    : a).Where(a => self.MayTell(IpAddress.Classify(a).Range, dialPrivate)),
        ];
    }
}
