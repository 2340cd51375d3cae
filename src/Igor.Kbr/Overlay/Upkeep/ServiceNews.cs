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
    private const int HeardAtOnceMax = 32; // a node that starts announces its services one after the other
    private const int HeardPerSecond = 8;

    /// <summary>Answers to one peer: two of the longest lists at once, then one in ten seconds.</summary>
    private const int AnswerBytesAtOnceMax = 2 * ServiceId.SizeInBytes * WireLimits.ServicesMax;

    private const int AnswerBytesPerSecond = AnswerBytesAtOnceMax / 20;

    private static readonly TimeSpan TellTogether = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan AskPeriod = TimeSpan.FromSeconds(0.5);

    private readonly PerPeer<News> _news = new(context.Peers, () => new News());
    private TimeSpan _toldAt = -TellTogether;
    private bool _isTelling;

    public override ReadOnlySpan<MessageType> Messages =>
        [MessageType.Services, MessageType.ServicesQuery];

    public override void HandlePeerUp(TimeSpan now, Peer peer)
    {
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
        if (!rings.Own.Set(service, change.Neighbours.IsMember) || _isTelling)
        {
            return;
        }

        _isTelling = true;
        TimeSpan next = _toldAt + TellTogether;
        if (next <= now)
        {
            TellAll(now);
        }
        else
        {
            context.Timers.Schedule(next, TellAll);
        }
    }

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
        List<ServiceId>? changed = peer.Services.Apply(message);
        if (message.To > peer.Services.Version)
        {
            Ask(now, peer); // one before it was lost, or not all of it was taken
        }

        if (changed is not null)
        {
            context.Machines.Each(machine => machine.HandleServicesChanged(now, peer, changed));
        }
    }

    private void Ask(TimeSpan now, Peer peer)
    {
        News news = _news[peer];
        if (now >= news.AskedAt + AskPeriod)
        {
            news.AskedAt = now;
            context.Send(peer, new ServicesQueryMessage(peer.Services.Version));
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
        _toldAt = now;
        foreach (Peer peer in context.Peers.All)
        {
            if (_news[peer].Told != 0 && _news[peer].Told < rings.Own.Version)
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
        int bytes = 0;
        ServicesMessage part;
        do
        {
            part = rings.Own.Since(news.Told);
            if (!context.Send(peer, part))
            {
                return bytes;
            }

            news.Told = part.To;
            bytes += (part.Added.Length + part.Removed.Length + 1) * ServiceId.SizeInBytes;
        }
        while (part.To < rings.Own.Version);

        return bytes;
    }

    private sealed class News
    {
        /// <summary>The version of this node's services that the peer was told; 0 for none.</summary>
        public ulong Told { get; set; }

        public TimeSpan AskedAt { get; set; } = -AskPeriod;

        public bool WillAsk { get; set; }

        public TokenBucket Heard => field ??= new(HeardPerSecond, HeardAtOnceMax);

        public TokenBucket Answers => field ??= new(AnswerBytesPerSecond, AnswerBytesAtOnceMax);
    }
}
