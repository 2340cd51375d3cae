using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// What nodes run, by version. A change is told at once, as the difference to what each peer was told, and
/// what follows shortly together. Nothing rests on that: every heartbeat has the version, and a peer that
/// lacks something asks for it. Each change may move neighbours, so that of a peer only so many are heard,
/// and the rest is asked for when there is time.
/// </summary>
internal sealed class ServiceNews(NodeContext context, RingTable rings) : Machine
{
    /// <summary>Who runs no more than that tells every peer of all.</summary>
    private const int ToldToAllMax = 32;

    private const int HeardAtOnceMax = 8; // a node that starts announces its services one after the other
    private const int HeardPerSecond = 2;

    /// <summary>
    /// What answers may cost for each peer: two lists of the greatest length at once, then one in ten
    /// seconds.
    /// </summary>
    private const int AnswerBytesAtOnceMax = 2 * ServiceId.SizeInBytes * WireLimits.ServicesMax;

    private const int AnswerBytesPerSecond = AnswerBytesAtOnceMax / 20;

    /// <summary>
    /// A few changes are told as they come. When there are many, as where a node begins hundreds of services,
    /// more go together: to each peer goes a frame.
    /// </summary>
    private const int ToldAtOnceMax = 16;

    private const double ToldPerSecond = 1.0 / 8;

    private static readonly TimeSpan TellTogether = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan AskPeriod = TimeSpan.FromSeconds(1.0 / HeardPerSecond);

    private readonly PerPeer<News> _news = new(context.Peers, () => new News());
    private readonly TokenBucket _tellings = new(ToldPerSecond, ToldAtOnceMax);
    private TimeSpan _tellAgainAt;
    private bool _isTelling;

    public override ReadOnlySpan<MessageType> Messages =>
        [MessageType.Services, MessageType.ServicesQuery];

    public override void HandlePeerUp(TimeSpan now, Peer peer)
    {
        _news[peer].Count = peer.Services.InOrder.Count();
        _news[peer].Told = peer.Link.ToldServicesVersion;
        if (_news[peer].Told < rings.Own.Version)
        {
            Tell(peer);
        }

        if (peer.Services.Version == 0)
        {
            Ask(now, peer); // its hello did not list them
        }
    }

    public override void HandleRingChanged(TimeSpan now, ServiceId service, NeighbourChange change)
    {
        if (rings.Own.Set(service, change.Neighbours.IsMember))
        {
            TellSoon(now);
        }
    }

    /// <summary>What runs here too may have been left out, since the peer did not run it.</summary>
    public override void HandleServicesChanged(TimeSpan now, Peer peer, List<ServiceId> changed)
    {
        foreach (ServiceId service in changed.Where(peer.Runs))
        {
            TellOf(now, peer, service);
        }
    }

    /// <summary>A peer should know of one service, if it runs here, though it does not run it.</summary>
    public void TellOf(TimeSpan now, Peer peer, ServiceId service)
    {
        News news = _news[peer];
        if (news.IsPartial && rings.Own.IsRunning(service) && !news.LeftOut.Contains(service))
        {
            news.LeftOut.Add(service);
            TellSoon(now);
        }
    }

    private void TellSoon(TimeSpan now)
    {
        if (_isTelling)
        {
            return;
        }

        _isTelling = true;
        if (_tellAgainAt <= now)
        {
            TellAll(now);
        }
        else
        {
            context.Timers.Schedule(_tellAgainAt, TellAll);
        }
    }

    /// <summary>
    /// The version that a peer should know: what it is told shortly it need not ask for.
    /// </summary>
    public ulong VersionFor(Peer peer) =>
        _isTelling && _news[peer].Told is > 0 and var told ? told : rings.Own.Version;

    /// <summary>A peer told the version of what it runs; false when that has to be asked for.</summary>
    public bool IsKnown(TimeSpan now, Peer peer, ulong version)
    {
        bool isKnown = version <= peer.Services.Version;
        if (!isKnown)
        {
            Ask(now, peer);
        }

        return isKnown;
    }

    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        if (frame.Type == MessageType.ServicesQuery)
        {
            Answer(now, peer, frame.Read<ServicesQueryMessage>().Known);
        }
        else if (_news[peer].Heard.TryTake(now))
        {
            Hear(now, peer, frame.Read<ServicesMessage>());
        }
        else
        {
            AskLater(now, peer);
        }
    }

    private void Hear(TimeSpan now, Peer peer, in ServicesMessage message)
    {
        News news = _news[peer];
        news.Count = message.Count;
        if (news.IsPartial && !IsFarSmaller(peer))
        {
            TellSoon(now);
        }

        bool follows = message.IsWhole || message.IsPartial || !news.IsPartialThere;
        if (follows && peer.Services.Apply(message) is { } changed)
        {
            news.IsPartialThere = message.IsPartial;
            context.Machines.ServicesChanged(now, peer, changed);
        }
        else if (message.To > peer.Services.Version || !follows)
        {
            Ask(now, peer); // one before it was lost
        }
    }

    /// <summary>Peers that are told of each service, whether they run it or not.</summary>
    public int CountToldOfAll => context.Peers.All.Count(peer => !IsFarSmaller(peer));

    private bool IsFarSmaller(Peer peer)
    {
        int count = Count;
        return count > ToldToAllMax && 2 * _news[peer].Count < count;
    }

    private int Count => rings.All.Count(ring => ring.HasMember);

    private void Ask(TimeSpan now, Peer peer)
    {
        News news = _news[peer];
        if (now >= news.AskedAt + AskPeriod)
        {
            news.AskedAt = now;
            context.Send(peer, new ServicesQueryMessage(
                news.IsPartialThere ? 0 : peer.Services.Version));
        }
    }

    private void AskLater(TimeSpan now, Peer peer)
    {
        News news = _news[peer];
        if (!news.WillAsk)
        {
            news.WillAsk = true;
            context.Timers.Schedule(now + AskPeriod, later =>
            {
                news.WillAsk = false;
                if (context.Peers.IsConnected(peer))
                {
                    Ask(later, peer);
                }
            });
        }
    }

    /// <summary>The peer says what it knows: what it was told since did not arrive.</summary>
    private void Answer(TimeSpan now, Peer peer, ulong known)
    {
        News news = _news[peer];
        if (news.Answers.HasOne(now))
        {
            news.Told = known;
            news.Answers.Take(now, Tell(peer));
        }
    }

    private void TellAll(TimeSpan now)
    {
        _isTelling = false;
        TimeSpan wait = _tellings.Take(now, 1);
        _tellAgainAt = now + (wait > TellTogether ? wait : TellTogether);
        foreach (Peer peer in context.Peers.All)
        {
            News news = _news[peer];
            if (news.Told != 0 && (news.Told < rings.Own.Version || news.LeftOut.Count > 0
                || (news.IsPartial && !IsFarSmaller(peer))))
            {
                Tell(peer);
            }
        }
    }

    /// <summary>
    /// Tells a peer what it does not know, and returns the bytes that this took. A link that takes no more
    /// does not matter: the peer will ask.
    /// </summary>
    private int Tell(Peer peer)
    {
        News news = _news[peer];
        bool isPartial = IsFarSmaller(peer);
        ulong told = news.IsPartial && !isPartial ? 0 : news.Told;
        int bytes = 0;
        ServicesMessage part;
        do
        {
            ServicesMessage change = rings.Own.Since(told);
            int room = ServicesMessage.ChangesMax - change.Added.Length - change.Removed.Length;
            ServiceId[] leftOut = [.. news.LeftOut.Take(room)];
            part = For(peer, change, leftOut, isPartial);
            if (!context.Send(peer, part))
            {
                return bytes;
            }

            news.IsPartial = isPartial;
            news.Told = told = part.To;
            news.LeftOut.RemoveRange(0, leftOut.Length);
            bytes += (part.Added.Length + part.Removed.Length + 1) * ServiceId.SizeInBytes;
        }
        while (part.To < rings.Own.Version || news.LeftOut.Count > 0);

        return bytes;
    }

    /// <summary>
    /// What one peer is told of a change: all, but to one that runs far fewer it does not matter what it does
    /// not run as well and has not asked for.
    /// </summary>
    private ServicesMessage For(
        Peer peer, in ServicesMessage change, ServiceId[] leftOut, bool isPartial)
    {
        IEnumerable<ServiceId> added = isPartial
            ? change.Added.Where(service => service == ServiceId.Base || peer.Runs(service))
            : change.Added;
        return change with
        {
            Added = [.. added.Union(leftOut.Where(rings.Own.IsRunning))],
            Count = Count,
            IsPartial = isPartial,
        };
    }

    private sealed class News
    {
        /// <summary>The version of this node's services that the peer was told; 0 for none.</summary>
        public ulong Told { get; set; }

        /// <summary>How many services the peer runs or is about to, as it said last.</summary>
        public int Count { get; set; }

        /// <summary>Whether it is only told of services that it runs too, or asked for.</summary>
        public bool IsPartial { get; set; }

        /// <summary>The same of what it tells.</summary>
        public bool IsPartialThere { get; set; }

        /// <summary>Services that it was not told of with the version that it was told, and is now.</summary>
        public List<ServiceId> LeftOut => field ??= [];

        /// <summary>When it was asked for its own.</summary>
        public TimeSpan AskedAt { get; set; } = -AskPeriod;

        public bool WillAsk { get; set; }

        /// <summary>How often the peer may still say what it runs.</summary>
        public TokenBucket Heard => field ??= new(HeardPerSecond, HeardAtOnceMax);

        /// <summary>How many bytes it may still ask for.</summary>
        public TokenBucket Answers => field ??= new(AnswerBytesPerSecond, AnswerBytesAtOnceMax);
    }
}
