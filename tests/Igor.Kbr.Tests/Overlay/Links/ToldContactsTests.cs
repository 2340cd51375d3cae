using System.Collections.Immutable;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Links;

/// <summary>What a node dials of what peers tell it, whichever message they tell it in.</summary>
public class ToldContactsTests
{
    private const string Service = "test";
    private static readonly Key Self = new(1, 0, 0, 0);
    private static readonly Key Peer = new(1, 0, 0, 7);

    public enum Way
    {
        Neighbours,
        Members,
        Lookup,
    }

    public static TheoryData<Way> Ways => [.. Enum.GetValues<Way>()];

    [Theory]
    [MemberData(nameof(Ways))]
    public void Address_of_another_network_is_not_dialled(Way way)
    {
        LoneNode node = Node(way, out LinkId link, "192.0.2.9:9");
        Tell(node, link, way, "10.0.0.1:1", "127.0.0.1:22", "[fe80::1]:1", "name:80", "224.0.0.1:1");
        Assert.Empty(node.Dials);
        Assert.True(node.Overlay.DialsRefused >= 5);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Address_of_another_network_is_dialled_where_that_is_wanted(Way way)
    {
        LoneNode node = Node(way, out LinkId link, "192.0.2.9:9", new OverlayOptions { DialPrivate = true });
        Tell(node, link, way, "10.0.0.1:1");
        Assert.Equal("10.0.0.1:1", Assert.Single(node.Dials).Address);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Address_of_the_same_network_is_dialled(Way way)
    {
        LoneNode node = Node(way, out LinkId link, "10.9.9.9:9");
        Tell(node, link, way, "10.0.0.1:1");
        Assert.Equal("10.0.0.1:1", Assert.Single(node.Dials).Address);
    }

    [Theory]
    [InlineData(Way.Neighbours)]
    [InlineData(Way.Members)]
    public void Stranger_that_tells_a_thousand_addresses_has_two_dialled(Way way)
    {
        LoneNode node = Node(way, out LinkId link, "192.0.2.9:9", addresses: []);
        Assert.Equal(PeerStanding.Stranger, node.Standings[link]);
        for (int i = 0; i < 1000; i++)
        {
            Tell(node, link, way, $"198.18.{i >> 8}.{i & 255}:1");
            FailLast(node);
        }

        Assert.Equal(2, node.Dials.Count);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Member_that_tells_a_thousand_addresses_has_a_few_dialled(Way way)
    {
        LoneNode node = Node(way, out LinkId link, "192.0.2.9:9");
        Assert.Equal(PeerStanding.Member, node.Standings[link]);
        for (int i = 0; i < 1000; i++)
        {
            Tell(node, link, way, $"198.18.{i >> 8}.{i & 255}:1");
            FailLast(node);
        }

        Assert.InRange(node.Dials.Count, way == Way.Lookup ? 1 : 64, 64);
    }

    /// <summary>A node with one peer; before it has joined, where a lookup has to be under way.</summary>
    private static LoneNode Node(
        Way way,
        out LinkId link,
        string remoteAddress,
        OverlayOptions? options = null,
        string[]? addresses = null)
    {
        options ??= new OverlayOptions();
        if (way == Way.Lookup)
        {
            options = options with { Bootstrap = ["192.0.2.9:9"], JoinPatience = TimeSpan.FromMinutes(1) };
        }

        var node = new LoneNode(Self, options);
        if (way == Way.Lookup)
        {
            link = node.Open(Peer, node.Dials[0].Dial, remoteAddress);
        }
        else
        {
            node.Join(Service);
            link = node.Open(Peer, remoteAddress: remoteAddress);
        }

        node.Hello(link, addresses ?? [remoteAddress]);
        if (way == Way.Lookup)
        {
            node.Run(TimeSpan.FromSeconds(1));
            node.Dials.Clear();
        }

        return node;
    }

    private static void FailLast(LoneNode node)
    {
        if (node.Dials.Count > 0)
        {
            node.Overlay.HandleDialFailed(node.Now, node.Dials[^1].Dial, "nobody there");
        }
    }

    private static void Tell(LoneNode node, LinkId link, Way way, params string[] addresses)
    {
        ImmutableArray<Contact> contacts =
            [.. addresses.Select((address, i) => new Contact(new Key(1, 0, 0, 100 + (ulong)i), [address]))];
        switch (way)
        {
            case Way.Neighbours:
                node.Say(link, new NeighboursMessage(ServiceId.Base, false, contacts, []));
                break;
            case Way.Members:
                node.Say(link, new ServiceMembersMessage(ServiceId.FromName(Service), contacts));
                break;
            default:
                Answer(node, link, contacts);
                break;
        }
    }

    /// <summary>Answers the lookup that the node has sent to its first peer.</summary>
    private static void Answer(LoneNode node, LinkId link, ImmutableArray<Contact> contacts)
    {
        if (node.Frames(link, MessageType.Route).FirstOrDefault() is not { } lookup)
        {
            return;
        }

        Assert.True(RoutedFrame.TryReadRoute(lookup, out RouteHeader header, out _));
        node.Sent.Clear();
        ReadOnlySpan<byte> payload = NearReply.Write(contacts).Span;
        int headerBytes = RoutedFrame.ReplyHeaderBytes + RoutedFrame.PayloadPrefixBytes;
        byte[] frame = new byte[headerBytes + payload.Length];
        RoutedFrame.WriteReply(frame, new ReplyHeader(header.HopId, ReplyStatus.Ok, Peer), payload.Length);
        payload.CopyTo(frame.AsSpan(headerBytes));
        node.Overlay.HandleFrame(node.Now, link, frame);
    }
}
