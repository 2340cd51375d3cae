using Igor.Kbr.Overlay.Addresses;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// Whether another node runs under this node's identity, as a copy of its data folder does. What peers say is
/// a hint: only a node that proves this id on a connection of our own, and says hello as another run, counts.
/// Of two, the one that was started later ends, so that the ring keeps the one that it knows.
/// </summary>
internal sealed class OwnIdentity(NodeContext context, Dialer dialer) : Machine
{
    /// <summary>Starts that are nearer than the time a hello may take are told apart by instance.</summary>
    private static readonly TimeSpan SameStart = TimeSpan.FromMilliseconds(200);

    /// <summary>Peers may send this node to addresses of their choice: not more often than this.</summary>
    private static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan ClashLife = TimeSpan.FromSeconds(30);

    private TimeSpan _started;
    private TimeSpan? _lookedAt;
    private TimeSpan? _toldAt;
    private TimeSpan _seenAt;
    private string? _clash;

    public override ReadOnlySpan<MessageType> Messages => [MessageType.IdentityClash];

    public ulong Instance { get; } = context.Random.NextUInt64();

    public override void Start(TimeSpan now) => _started = now;

    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame) =>
        HandleHint(now, link, frame.Read<IdentityClashMessage>().Addresses);

    public TimeSpan AgeAt(TimeSpan now) => now - _started;

    /// <summary>What the operator has to do; none while there is no clash.</summary>
    public IEnumerable<Trouble> Troubles =>
        _clash is { } text ? [new Trouble(TroubleKinds.IdentityClash, text)] : [];

    /// <summary>A peer says that another node with this id lives at these addresses.</summary>
    public void HandleHint(TimeSpan now, Link link, ImmutableArray<string> addresses)
    {
        if (_lookedAt is { } last && now - last < LookPeriod)
        {
            return;
        }

        _lookedAt = now;
        if (_toldAt is not { } told || now - told > ClashLife)
        {
            _toldAt = now;
            context.Raise(
                OverlayEventKind.Refused,
                link.PeerId,
                $"node {link.PeerId.ToShortString()} says that another node has the identity of this one, at "
                + string.Join(", ", addresses.DefaultIfEmpty("no address")));
        }

        dialer.TryDial(
            now,
            new Dialer.Wish(
                addresses, context.Id, LinkPurpose.Neighbour, Teller.Unasked(link), IsSeeking: true));
    }

    /// <summary>
    /// A node that has proved this very id said hello. Returns whether it is this node itself, at the end of
    /// a connection to an address of its own.
    /// </summary>
    public bool IsSelf(TimeSpan now, Link link, HelloMessage hello)
    {
        if (hello.Instance == Instance)
        {
            return true;
        }

        string where = !link.IsOutbound && hello.Addresses is [var first, ..] ? first : link.RemoteAddress;
        bool isFirst = IsFirst(now, hello);
        string text = "another node has the identity of this one, as from a copy of its data folder, and "
            + $"runs at {where}: "
            + (isFirst
                ? "it was started later and has to end; give each node a data folder of its own"
                : "it was started earlier, so this one ends; give each node a data folder of its own");
        _clash = text;
        _seenAt = now;
        context.Timers.Schedule(now + ClashLife, _ => _clash = _seenAt == now ? null : _clash);
        context.Raise(
            isFirst ? OverlayEventKind.IdentityClash : OverlayEventKind.IdentityLost, context.Id, text);
        return false;
    }

    private bool IsFirst(TimeSpan now, HelloMessage hello)
    {
        TimeSpan ahead = AgeAt(now) - hello.Age;
        return ahead.Duration() < SameStart ? Instance < hello.Instance : ahead > TimeSpan.Zero;
    }
}
