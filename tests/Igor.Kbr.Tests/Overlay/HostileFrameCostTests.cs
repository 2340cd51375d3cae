using System.Collections.Immutable;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Tests.Wire.Messages;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay;

/// <summary>
/// What the dearest frames of each type cost a node that runs as many services as it can and has many peers.
/// Measured as memory, which tells the same on each machine: a walk over all peers with its sorting, or one
/// over all that is dialled for each contact, shows in it. Walks over links allocate nothing and are counted.
/// </summary>
public class HostileFrameCostTests
{
    private const int Services = 63;
    private const int Few = 40;
    private const int Samples = 6;

    private const long BytesMax = 128 * 1024;

    /// <summary>A list of services changes the neighbours in each, and each is told of it.</summary>
    private const long AllRingsBytesMax = Services * 6 * 1024;

    private const string AllRings = "Services, one or all";

    private static readonly Key Self = new(1UL << 60, 0, 0, 100);
    private static readonly Key Hostile = new(1UL << 60, 0, 0, 105);
    private static readonly string[] Named = [.. Enumerable.Range(0, Services).Select(i => $"s{i}")];
    private static readonly ImmutableArray<ServiceId> All =
        [ServiceId.Base, .. Named.Select(ServiceId.FromName)];

    private static readonly ServiceId Service = All[1];

    private static readonly Dictionary<string, Func<int, byte[]>> Frames = new()
    {
        ["Ping"] = i => MessageBytes.Of(new PingMessage((ulong)i, 1)),
        ["Pong"] = i => MessageBytes.Of(new PongMessage((ulong)i, 1)),
        [AllRings] = i => MessageBytes.Of(
            new ServicesMessage(0, (ulong)i + 2, i % 2 == 0 ? All[..1] : All, [])),
        ["ServiceQuery"] = _ => MessageBytes.Of(new ServiceQueryMessage(Service)),
        ["Neighbours, made up and near"] = i => MessageBytes.Of(new NeighboursMessage(
            Service, WantsReply: true, MadeUp(i), [.. Enumerable.Repeat(7u, WireLimits.TermsMax)])),
        ["Heartbeat, nothing of it known"] = i => MessageBytes.Of(
            new HeartbeatMessage((ulong)i + 2, (ulong)i, 1, IsWanted: i % 2 == 0)),
        ["ServicesQuery"] = _ => MessageBytes.Of(new ServicesQueryMessage(0)),
        ["PlaceQuery"] = _ => MessageBytes.Of(new PlaceQueryMessage(All[..32], All[..32])),
        ["PlaceReply, made up"] = i => MessageBytes.Of(
            new PlaceReplyMessage(All, All, Service, MadeUp(i))),
        ["QuietPeer"] = i => MessageBytes.Of(new QuietPeerMessage(PeerId(i))),
        ["ServiceMembers, made up and near"] = i => MessageBytes.Of(
            new ServiceMembersMessage(Service, MadeUp(i))),
        ["RequestQuery"] = i => MessageBytes.Of(new RequestQueryMessage((ulong)i)),
        ["RequestState"] = i => MessageBytes.Of(new RequestStateMessage((ulong)i, IsHeld: false)),
        ["SilentPeer"] = i => MessageBytes.Of(new SilentPeerMessage(PeerId(i))),
        ["IdentityClash"] = i => MessageBytes.Of(new IdentityClashMessage(MadeUp(i)[0].Addresses)),
        ["Refused"] = i => MessageBytes.Of(new RefusedMessage(i)),
        ["Route to a far key"] = i => Route(i, PeerId(i), RouteFlags.None),
        ["Route to the node"] = i => Route(i, Self, RouteFlags.None),
        ["Route to nobody"] = i => Route(i, PeerId(-1), RouteFlags.Exact),
        ["Control request"] = i => Route(
            i, Self, RouteFlags.Control, new NearQuery(64, []).Write().ToArray()),
        ["Reply"] = i => LoneNode.ReplyFrame((ulong)i, ReplyStatus.HopFailed, Hostile),
    };

    public static TheoryData<string> Names => [.. Frames.Keys];

    [Fact]
    public void Each_type_of_a_peer_is_measured() => Assert.Equal(
        MessageKinds.All.Select(kind => kind.Type)
            .Except([MessageType.Hello, MessageType.Accept, MessageType.Goodbye])
            .Concat([MessageType.Route, MessageType.Reply]).Order(),
        Frames.Values.Select(frame => (MessageType)frame(0)[1]).Distinct().Order());

    [Theory]
    [MemberData(nameof(Names))]
    public void Frame_costs_no_more_with_many_peers(string name)
    {
        long few = BytesOf(name, Few);
        long many = BytesOf(name, 10 * Few);
        Assert.InRange(many, 0, name == AllRings ? AllRingsBytesMax : BytesMax);
        Assert.InRange(many, 0, (few * 2) + 1024);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Frame_leads_to_no_walk_over_the_links(string name)
    {
        LoneNode node = NodeWith(Few);
        LinkId link = node.Connect(Hostile, Named);
        for (int i = 0; i < Samples; i++)
        {
            node.Run(TimeSpan.FromSeconds(0.6));
            long before = node.Overlay.WalksOverLinks;
            node.Overlay.HandleFrame(node.Now, link, Frames[name](i));
            Assert.Equal(before, node.Overlay.WalksOverLinks);
        }
    }

    /// <summary>What handling such a frame allocates, mostly.</summary>
    private static long BytesOf(string name, int peers)
    {
        LoneNode node = NodeWith(peers);
        LinkId link = node.Connect(Hostile, Named);
        var costs = new List<long>();
        for (int i = 0; i < Samples; i++)
        {
            node.Run(TimeSpan.FromSeconds(0.6)); // what is read so often only is read
            byte[] frame = Frames[name](i);
            node.Sent.Clear();
            long before = GC.GetAllocatedBytesForCurrentThread();
            node.Overlay.HandleFrame(node.Now, link, frame);
            costs.Add(GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.DoesNotContain(link, node.Closed);
        return costs.Order().ElementAt(Samples / 2);
    }

    private static LoneNode NodeWith(int peers)
    {
        var node = new LoneNode(Self, new OverlayOptions { LinksMax = 1024 });
        foreach (string service in Named)
        {
            node.Overlay.Subscribe(
                node.Now, new SubscribeOptions { Service = service, Role = ServiceRole.Member });
        }

        node.Run(TimeSpan.FromSeconds(2));
        for (int i = 0; i < peers; i++)
        {
            node.Connect(PeerId(i), i < Few ? Named : Named[..1]);
        }

        return node;
    }

    private static ImmutableArray<Contact> MadeUp(int seed) =>
    [
        .. Enumerable.Range(0, WireLimits.ContactsMax).Select(i => new Contact(
            Self + new Key(0, 0, 0, (ulong)((seed * WireLimits.ContactsMax) + i + 1000)),
            [.. Enumerable.Range(1, WireLimits.AddressesMax).Select(port => $"10.1.{seed}.{i}:{port}")])),
    ];

    private static byte[] Route(int hopId, Key to, RouteFlags flags, params byte[] payload) =>
        LoneNode.RouteFrame(
            new RouteHeader(Service, to, Hostile, (ulong)hopId + 1, 64, flags, 60_000), payload);

    private static Key PeerId(int index) => Key.HashOf($"peer {index}");
}
