using CsCheck;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Routing;

public class RequestFingerprintTests
{
    private static readonly RouteHeader Header = new(
        ServiceId.FromName("test"), Key.HashOf("to"), Key.HashOf("from"), 1, 64, RouteFlags.None, 1000, 5);

    private readonly RequestFingerprint _fingerprint = new(new SeededRandom(1));

    [Fact]
    public void What_changes_from_hop_to_hop_does_not_count() => Assert.Equal(
        Of(Header, 1, 2, 3), Of(Header with { HopId = 9, HopsLeft = 60, TimeoutMs = 400 }, 1, 2, 3));

    [Fact]
    public void Message_without_a_number_has_none() =>
        Assert.Equal(0UL, Of(Header with { RequestNumber = 0 }, 1, 2, 3));

    [Fact]
    public void Every_field_counts()
    {
        ulong[] all =
        [
            Of(Header),
            Of(Header with { Service = ServiceId.FromName("other") }),
            Of(Header with { Destination = Key.HashOf("elsewhere") }),
            Of(Header with { Source = Key.HashOf("another") }),
            Of(Header with { Flags = RouteFlags.Exact }),
            Of(Header with { RequestNumber = 6 }),
            _fingerprint.Of(Header, true, default),
        ];
        Assert.Equal(all.Length, all.Distinct().Count());
    }

    [Fact]
    public void Other_payloads_have_other_fingerprints_at_every_length() => Gen.Select(
        Gen.Byte.Array[1, 40], Gen.Int[0, 39], Gen.Byte).Sample((payload, at, value) =>
        {
            byte[] other = [.. payload];
            other[at % other.Length] = value;
            Assert.Equal(payload.SequenceEqual(other), Of(Header, payload) == Of(Header, other));
            Assert.NotEqual(Of(Header, payload), Of(Header, [.. payload, 0]));
        });

    [Fact]
    public void Another_node_has_other_fingerprints() => Assert.NotEqual(
        Of(Header, 1), new RequestFingerprint(new SeededRandom(2)).Of(Header, false, new byte[] { 1 }));

    private ulong Of(in RouteHeader header, params byte[] payload) => _fingerprint.Of(header, false, payload);
}
