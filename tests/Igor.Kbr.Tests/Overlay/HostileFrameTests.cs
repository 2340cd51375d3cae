using CsCheck;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Tests.Keys;
using Igor.Kbr.Tests.Wire.Messages;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay;

/// <summary>
/// Whatever a peer sends costs it its own connection at most: no exception leaves the node, and no other
/// connection ends.
/// </summary>
public class HostileFrameTests
{
    private const string Service = "files";
    private const string Route = "Route";
    private const string Reply = "Reply";

    private static readonly Key Hostile = new(3, 0, 0, 7);

    private static readonly Gen<byte[]> Routes = Gen.Select(
        OneOf(ServiceId.Base, ServiceId.FromName(Service), new ServiceId(5)),
        Gen.OneOf(KeyTests.Keys, OneOf(Id(1), Id(2), Id(4), Hostile)),
        Gen.OneOf(KeyTests.Keys, OneOf(Id(1), Id(2), Id(4), Hostile)),
        Gen.Select(Gen.ULong[0, 9], Gen.Int[0, 127], Gen.Int[0, 127], Gen.UInt, Gen.Byte.Array[0, 50]),
        (service, to, from, rest) => LoneNode.RouteFrame(
            new RouteHeader(service, to, from, rest.Item1, rest.Item2, (RouteFlags)rest.Item3, rest.Item4),
            rest.Item5));

    private static readonly Gen<byte[]> Replies = Gen.Select(
        Gen.ULong[0, 9], Gen.Int[0, 127], KeyTests.Keys, Gen.Byte.Array[0, 50],
        (id, status, responder, payload) =>
            LoneNode.ReplyFrame(id, (ReplyStatus)status, responder, payload));

    /// <summary>What is done to the bytes of a frame: changed at places, and cut.</summary>
    private static readonly Gen<Func<byte[], byte[]>> Damages = Gen.Select(
        Gen.Int[0, 400].Array[0, 3], Gen.Byte.Array[3], Gen.Int[0, 800], (places, values, length) =>
            (Func<byte[], byte[]>)(frame =>
            {
                byte[] damaged = [.. frame];
                for (int i = 0; i < places.Length; i++)
                {
                    damaged[places[i] % damaged.Length] = values[i];
                }

                return damaged[..Math.Min(length, damaged.Length)];
            }));

    public static TheoryData<string> Names => [.. MessageTests.Names, Route, Reply];

    [Theory]
    [MemberData(nameof(Names))]
    public void Messages_with_any_content_cost_their_sender_its_connection_at_most(string name) =>
        Frames(name).Array[1, 20].Sample(frames => Play(frames, saysHello: true), iter: 30);

    [Theory]
    [MemberData(nameof(Names))]
    public void Damaged_messages_cost_their_sender_its_connection_at_most(string name) =>
        Gen.Select(Frames(name), Damages, (frame, damage) => damage(frame)).Array[1, 20].Sample(
            frames => Play(frames, saysHello: true), iter: 60);

    [Theory]
    [MemberData(nameof(Names))]
    public void Messages_before_a_hello_cost_their_sender_its_connection_at_most(string name) =>
        Gen.Select(Frames(name), Damages, Gen.Bool)
            .Select((frame, damage, isWhole) => isWhole ? frame : damage(frame))
            .Array[1, 20].Sample(frames => Play(frames, saysHello: false), iter: 30);

    [Fact]
    public void Contact_with_further_fields_is_a_contact()
    {
        var node = new LoneNode(Id(1));
        LinkId link = node.Connect(Id(2), dial: null, "10.0.0.2:1");
        object?[] contact = [Id(3).ToBytes(), new object?[] { "10.9.9.3:1" }, 1, "further"];
        byte[] service = new byte[ServiceId.SizeInBytes];
        node.SayFields(
            link, MessageType.Neighbours, service, false, new object?[] { contact }, Array.Empty<byte>());
        Assert.Empty(node.Closed);
        Assert.Equal("10.9.9.3:1", Assert.Single(node.Dials).Address);
    }

    [Fact]
    public void Further_field_may_nest_as_deep_as_a_frame_is_long()
    {
        const int Depth = 1_000_000;
        byte[] deep = [.. Enumerable.Repeat((byte)0x91, Depth), 0xC0];
        var node = new LoneNode(Id(1));
        LinkId link = node.Connect(Id(2), dial: null, "10.0.0.2:1");
        var told = new NeighboursMessage(ServiceId.Base, false, [new Contact(Id(3), [])], []);
        byte[] whole = MessageBytes.Of(told);
        byte[] contact = MessageBytes.Of(new SilentPeerMessage(Id(3)))[2..]; // a key alone
        byte[] rest = whole[^2..]; // no terms
        byte[] start = whole[..(whole.Length - contact.Length - 2 - rest.Length)];
        byte[] frame = [.. start, 0x93, .. contact, 0x90, .. deep, .. rest];
        node.Overlay.HandleFrame(node.Now, link, frame);
        Assert.Empty(node.Closed);
    }

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static Gen<byte[]> Frames(string name) => name switch
    {
        Route => Routes,
        Reply => Replies,
        _ => MessageKinds.All.Single(kind => kind.ToString() == name).Frames,
    };

    private static void Play(byte[][] frames, bool saysHello)
    {
        var node = new LoneNode(Id(1));
        node.Join(Service);
        LinkId[] honest = [node.Connect(Id(2), Service), node.Connect(Id(4))];
        node.Overlay.Request(
            node.Now, new RequestId(1), ServiceId.FromName(Service), Id(2), default,
            new RequestOptions(TimeSpan.FromSeconds(10)));
        LinkId link = default;
        foreach (byte[] frame in frames)
        {
            if (link == default || node.Closed.Contains(link))
            {
                link = node.Open(Hostile);
                if (saysHello)
                {
                    node.Hello(link, "10.9.9.9:1");
                }
            }

            node.Overlay.HandleFrame(node.Now, link, frame);
            node.Run(TimeSpan.FromMilliseconds(20));
        }

        node.Run(TimeSpan.FromSeconds(2));
        Assert.Empty(node.Closed.Intersect(honest));
        node.Ping(honest[0]);
        Assert.NotEmpty(node.Messages<PongMessage>(honest[0]));
    }

    private static Key Id(ulong value) => new(value, 0, 0, 0);
}
