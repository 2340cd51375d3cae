using System.Collections.Immutable;
using CsCheck;
using Igor.Kbr;
using Igor.Local.Protocol;

namespace Igor.Local.Tests.Protocol;

/// <summary>Generates frames of every type.</summary>
internal static class LocalFrames
{
    private static readonly Gen<Key> Keys =
        Gen.Select(Gen.ULong, Gen.ULong, Gen.ULong, Gen.ULong, (a, b, c, d) => new Key(a, b, c, d));

    private static readonly Gen<NetworkTime> Times =
        Gen.Select(Gen.Long, Gen.Bool, (unixMs, isTrusted) => new NetworkTime(unixMs, isTrusted));

    private static readonly Gen<string> Texts =
        Gen.OneOf(Gen.String[0, 40], Gen.Const("Übergröße, 鍵, 🔑"))
            .Where(text => !text.Any(char.IsSurrogate) || text.Contains('Ü'));

    private static readonly Gen<ReadOnlyMemory<byte>> Payloads =
        Gen.Byte.Array[0, 300].Select(bytes => new ReadOnlyMemory<byte>(bytes));

    private static readonly Gen<ImmutableArray<Key>> KeyLists =
        Keys.Array[0, 20].Select(keys => keys.ToImmutableArray());

    private static readonly Gen<NeighbourSet> NeighbourSets = Gen.Select(
        Keys,
        Gen.Select(Gen.Bool, Gen.Bool),
        KeyLists,
        KeyLists,
        Gen.Long,
        (self, flags, clockwise, counter, version) =>
            new NeighbourSet(self, flags.Item1, clockwise, counter, version, flags.Item2));

    private static readonly Gen<ImmutableArray<string>> TextLists =
        Texts.Array[0, 4].Select(texts => texts.ToImmutableArray());

    private static readonly Gen<PeerStatus> Peers = Gen.Select(
        Keys, TextLists, TextLists, Gen.Bool, Gen.Bool, Gen.Int[0, 1_000_000].Nullable(),
        (id, addresses, services, isNeighbour, isFinger, micros) => new PeerStatus(
            id,
            addresses,
            services,
            isNeighbour,
            isFinger,
            micros is { } known ? TimeSpan.FromMicroseconds(known) : null));

    private static readonly Gen<OverlayFigures> Figures = Gen.Select(
        Gen.Int,
        Gen.Int,
        Gen.Bool,
        Gen.Double,
        Gen.Double,
        (links, linksMax, isBusy, size, upkeep) => new OverlayFigures(links, linksMax, isBusy, size, upkeep));

    private static readonly Gen<HostStatus> Statuses = Gen.Select(
        Gen.Select(Keys, Texts, Texts),
        TextLists,
        Gen.Select(Gen.Enum<RingState>(), Texts, (state, reason) => new RingStanding(state, reason)),
        Peers.Array[0, 4],
        Gen.Select(Texts, NeighbourSets, (name, set) => new ServiceStatus(name, set)).Array[0, 3],
        Gen.Select(Texts, Texts, (kind, text) => new Trouble(kind, text)).Array[0, 3],
        Figures,
        (names, addresses, ring, peers, services, troubles, figures) => new HostStatus(
            names.Item1,
            names.Item2,
            names.Item3,
            addresses,
            ring,
            [.. peers],
            [.. services],
            [.. troubles],
            figures));

    private static readonly Gen<ImmutableArray<Departure>> Departures = Gen.Select(
        Keys, Gen.Enum<DepartureReason>(), (id, reason) => new Departure(id, reason))
        .Array[0, 5].Select(departures => departures.ToImmutableArray());

    /// <summary>Any frame.</summary>
    public static Gen<LocalFrame> Any { get; } = Gen.OneOf(ToDaemon(), ToApplication());

    private static Gen<LocalFrame> ToDaemon() => Gen.OneOf<LocalFrame>(
        Gen.Select(Gen.Int, Gen.Int, Texts, (min, max, name) => (LocalFrame)new HelloFrame(min, max, name)),
        Gen.Long.Select(call => (LocalFrame)new StatusFrame(call)),
        Gen.Select(
            Gen.Long, Gen.Int, Texts, Gen.Enum<ServiceRole>(), Gen.Bool, (call, number, name, role, wants) =>
                (LocalFrame)new SubscribeFrame(call, number, name, role, wants)),
        Gen.Select(Gen.Long, Gen.Int, (call, number) => (LocalFrame)new UnsubscribeFrame(call, number)),
        Gen.Select(Gen.Int, Keys, Gen.Bool, Payloads, (number, key, exact, payload) =>
            (LocalFrame)new RouteFrame(number, key, exact, payload)),
        Gen.Select(
            Gen.Int, Gen.Long, Keys, Gen.Bool, Gen.Int[0, LocalProtocol.TimeoutMsMax], Payloads,
            (number, request, key, exact, timeout, payload) =>
                (LocalFrame)new RequestFrame(number, request, key, exact, timeout, payload)),
        Gen.Long.Select(request => (LocalFrame)new CancelFrame(request)),
        Gen.Select(Gen.Long, Payloads, (token, payload) => (LocalFrame)new ReplyFrame(token, payload)),
        Gen.Select(Gen.Long, Gen.Bool, Payloads, Gen.Bool, (parked, goes, payload, replaces) =>
            (LocalFrame)new DecideFrame(parked, goes, replaces ? payload : default(ReadOnlyMemory<byte>?))));

    private static Gen<LocalFrame> ToApplication() => Gen.OneOf<LocalFrame>(
        Gen.Select(
            Gen.Int, Keys, Texts, Gen.Int[0, LocalProtocol.BodyBytesMax], Texts, Times,
            (version, id, network, most, program, time) =>
                (LocalFrame)new WelcomeFrame(version, id, network, most, program, time)),
        Times.Select(time => (LocalFrame)new TimeFrame(time)),
        Gen.Select(Gen.Long, Gen.Enum<RefusalCode>(), Texts, (call, code, text) =>
            (LocalFrame)new RefusedFrame(call, code, text)),
        Gen.Select(Gen.Long, Statuses, (call, status) => (LocalFrame)new StatusResultFrame(call, status)),
        Gen.Select(Gen.Long, NeighbourSets, (call, set) => (LocalFrame)new SubscribedFrame(call, set)),
        Gen.Long.Select(call => (LocalFrame)new UnsubscribedFrame(call)),
        Gen.Select(
            Gen.Int, Keys, Keys, Gen.Long, Payloads, Gen.Bool,
            (number, destination, source, token, payload, isProven) =>
                (LocalFrame)new DeliverFrame(number, destination, source, token, payload, isProven)),
        Gen.Select(
            Gen.Int, Gen.Long, Keys, Keys, Keys, Payloads,
            (number, parked, destination, source, next, payload) =>
                (LocalFrame)new ForwardFrame(number, parked, destination, source, next, payload)),
        Gen.Select(Gen.Int, NeighbourSets, KeyLists, Departures, (number, set, joined, departed) =>
            (LocalFrame)new UpdateFrame(number, new NeighbourChange(set, joined, departed))),
        Gen.Select(Gen.Long, Gen.Enum<KbrStatus>(), Keys, Payloads, (request, status, responder, payload) =>
            (LocalFrame)new ResultFrame(request, status, responder, payload)));
}
