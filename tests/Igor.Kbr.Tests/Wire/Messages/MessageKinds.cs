using System.Collections.Immutable;
using CsCheck;
using Igor.Kbr.Tests.Keys;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Wire.Messages;

/// <summary>Every message, with an example of it and a generator of what can be said by it.</summary>
internal static class MessageKinds
{
    private static readonly Key ExampleKey = new(0x1122_3344_5566_7788, 0, 0, 1);
    private static readonly ServiceId ExampleService = ServiceId.FromName("files");
    private static readonly Contact ExampleContact = new(ExampleKey, ["192.0.2.7:4000"]);

    private static readonly Gen<ServiceId> Services =
        Gen.Select(Gen.ULong, Gen.ULong, (high, low) => new ServiceId(new UInt128(high, low)));

    private static readonly Gen<string> Texts =
        Gen.String[Gen.Char[' ', '\u07ff'], 0, WireLimits.TextLengthMax];

    private static readonly Gen<ImmutableArray<string>> Addresses =
        Gen.String[Gen.Char['!', '~'], 0, WireLimits.AddressLengthMax]
            .Array[0, WireLimits.AddressesMax].Select(a => a.ToImmutableArray());

    private static readonly Gen<ImmutableArray<Contact>> Contacts =
        Gen.Select(KeyTests.Keys, Addresses, (id, addresses) => new Contact(id, addresses))
            .Array[0, 6].Select(a => a.ToImmutableArray());

    private static readonly Gen<long> Clocks = Gen.Long[0, WireLimits.UnixMsMax];

    private static readonly Gen<HelloMessage> Hellos = Gen.Select(
        Gen.Select(Gen.Int, Gen.Int, Texts, Gen.ULong),
        Gen.Select(Addresses, Texts, Gen.Bool, Gen.ULong),
        Gen.Select(
            Services.Array[0, 5], Clocks, Gen.Long[0, 1_000_000_000], Gen.Enum<LinkPurpose>()),
        (a, b, c) => new HelloMessage
        {
            VersionMin = a.Item1,
            VersionMax = a.Item2,
            Network = a.Item3,
            Instance = a.Item4,
            Addresses = b.Item1,
            Agent = b.Item2,
            JoinsRing = b.Item3,
            ServicesVersion = b.Item4,
            Services = [.. c.Item1],
            WallClockMs = c.Item2,
            Age = TimeSpan.FromMilliseconds(c.Item3),
            Purpose = c.Item4,
        });

    private static readonly Gen<GoodbyeMessage> Goodbyes = Gen.Select(
        Gen.Enum<GoodbyeReason>(), Texts, Contacts, (reason, text, contacts) => new GoodbyeMessage(
            reason, text, contacts));

    /// <summary>The messages, in the order of their types.</summary>
    public static ImmutableArray<MessageKind> All { get; } =
    [
        new MessageKind<HelloMessage>(
            new HelloMessage
            {
                Network = "igor",
                Instance = 77,
                Addresses = ["192.0.2.7:4000", "[2001:db8::7]:4000"],
                ServicesVersion = 3,
                Services = [ServiceId.Base, ExampleService],
                WallClockMs = 1_800_000_000_000,
                Age = TimeSpan.FromMinutes(1),
            },
            Hellos),
        new MessageKind<ServicesMessage>(
            new ServicesMessage(3, 4, [ExampleService], [ServiceId.Base]),
            Gen.Select(
                Gen.ULong,
                Gen.ULong,
                Services.Array[0, 5],
                Services.Array[0, 5],
                (from, to, added, removed) => new ServicesMessage(from, to, [.. added], [.. removed]))),
        new MessageKind<PingMessage>(
            new PingMessage(77, 1_800_000_000_000),
            Gen.Select(Gen.ULong, Clocks, (nonce, clock) => new PingMessage(nonce, clock))),
        new MessageKind<PongMessage>(
            new PongMessage(77, 1_800_000_000_000),
            Gen.Select(Gen.ULong, Clocks, (nonce, clock) => new PongMessage(nonce, clock))),
        new MessageKind<GoodbyeMessage>(
            new GoodbyeMessage(GoodbyeReason.Full, "no room", [ExampleContact]), Goodbyes),
        new MessageKind<NeighboursMessage>(
            new NeighboursMessage(ExampleService, true, [ExampleContact], [0x01020304, 5]),
            Gen.Select(
                Services,
                Gen.Bool,
                Contacts,
                Gen.UInt.Array[0, WireLimits.TermsMax],
                (s, wants, c, known) => new NeighboursMessage(s, wants, c, [.. known]))),
        new MessageKind<HeartbeatMessage>(
            new HeartbeatMessage(4, 0x0102030405060708, 1_800_000_000_000, true),
            Gen.Select(Gen.ULong, Gen.ULong, Clocks, Gen.Bool, (version, digest, clock, isWanted) =>
                new HeartbeatMessage(version, digest, clock, isWanted))),
        new MessageKind<ServiceQueryMessage>(
            new ServiceQueryMessage(ExampleService), Services.Select(s => new ServiceQueryMessage(s))),
        new MessageKind<ServiceMembersMessage>(
            new ServiceMembersMessage(ExampleService, [ExampleContact]),
            Gen.Select(Services, Contacts, (s, contacts) => new ServiceMembersMessage(s, contacts))),
        new MessageKind<RefusedMessage>(
            new RefusedMessage(99), Gen.Int.Select(type => new RefusedMessage(type))),
        new MessageKind<IdentityClashMessage>(
            new IdentityClashMessage(["192.0.2.7:4000"]), Addresses.Select(a => new IdentityClashMessage(a))),
        new MessageKind<RequestQueryMessage>(
            new RequestQueryMessage(77), Gen.ULong.Select(id => new RequestQueryMessage(id))),
        new MessageKind<RequestStateMessage>(
            new RequestStateMessage(77, true),
            Gen.Select(Gen.ULong, Gen.Bool, (id, isHeld) => new RequestStateMessage(id, isHeld))),
        new MessageKind<SilentPeerMessage>(
            new SilentPeerMessage(ExampleKey), KeyTests.Keys.Select(key => new SilentPeerMessage(key))),
        new MessageKind<ServicesQueryMessage>(
            new ServicesQueryMessage(4), Gen.ULong.Select(known => new ServicesQueryMessage(known))),
        new MessageKind<QuietPeerMessage>(
            new QuietPeerMessage(ExampleKey), KeyTests.Keys.Select(key => new QuietPeerMessage(key))),
        new MessageKind<AcceptMessage>(
            new AcceptMessage(0, 1_118_208),
            Gen.Select(
                Gen.ULong,
                Gen.UInt[WireLimits.FrameBytesLeast, uint.MaxValue],
                (features, bytes) => new AcceptMessage(features, bytes))),
        new MessageKind<PlaceQueryMessage>(
            new PlaceQueryMessage([ServiceId.Base], [ExampleService]),
            Gen.Select(Services.Array[0, 5], Services.Array[0, 5], (next, previous) =>
                new PlaceQueryMessage([.. next], [.. previous]))),
        new MessageKind<PlaceReplyMessage>(
            new PlaceReplyMessage([ServiceId.Base], [], ExampleService, [ExampleContact]),
            Gen.Select(
                Services.Array[0, 5],
                Services.Array[0, 5],
                Services,
                Contacts,
                (free, refused, s, nearer) => new PlaceReplyMessage([.. free], [.. refused], s, nearer))),
    ];
}
