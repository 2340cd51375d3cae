using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Members that have lost their place in all rings because they drop requests: the next nearest is root in
/// their stead. For a time that doubles; then each has to answer a request before it has its place again.
/// Outlives their connections.
/// </summary>
internal sealed class Sentences(
    NodeContext context, RingTable rings, PeerConduct conduct, IControlRequests requests) : Machine
{
    /// <summary>More than a node knows neighbours and fingers; beyond, the oldest is forgotten.</summary>
    private const int SentencesMax = 256;

    private static readonly TimeSpan TermFirst = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan TermMax = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(5);

    private readonly Dictionary<Key, Sentence> _known = [];

    /// <summary>A peer is connected, perhaps again.</summary>
    public override void HandlePeerUp(TimeSpan now, Peer peer)
    {
        if (_known.TryGetValue(peer.Id, out Sentence? sentence))
        {
            conduct[peer].HasRecord = true;
            if (sentence.IsServed)
            {
                rings.BarAtOnce(peer);
            }
        }
    }

    /// <summary>Takes a peer's place.</summary>
    public void Pass(TimeSpan now, Peer peer)
    {
        if (!_known.TryGetValue(peer.Id, out Sentence? sentence))
        {
            if (_known.Count >= SentencesMax)
            {
                _known.Remove(_known.MinBy(pair => (pair.Value.PassedAt, pair.Key)).Key);
            }

            sentence = new Sentence { Term = TermFirst / 2 };
            _known.Add(peer.Id, sentence);
        }

        sentence.IsServed = true;
        sentence.PassedAt = now;
        conduct[peer].HasRecord = true;
        Prolong(now, peer.Id, sentence);
        context.Raise(
            OverlayEventKind.PeerSilent,
            peer.Id,
            $"it drops requests, and is left out for {sentence.Term.TotalSeconds:0} s");
        rings.Bar(now, peer);
    }

    /// <summary>A peer answers applications' requests: all is forgiven.</summary>
    public void Lift(TimeSpan now, Peer peer)
    {
        if (_known.Remove(peer.Id))
        {
            Readmit(now, peer);
        }
    }

    /// <summary>Asks a node's overlay for an answer, over the link to it.</summary>
    public void Probe(TimeSpan now, Key id, Action<TimeSpan, RequestResult> completed)
    {
        var request = new OwnRequest
        {
            Service = ServiceId.Base,
            Destination = id,
            Flags = RouteFlags.Exact | RouteFlags.Probe,
            Deadline = now + ProbeTimeout,
            FirstHop = id,
            Completed = completed,
        };
        request.Keep([]);
        requests.Begin(now, request);
    }

    private void Prolong(TimeSpan now, Key id, Sentence sentence)
    {
        sentence.Term = sentence.Term * 2 < TermMax ? sentence.Term * 2 : TermMax;
        TimeSpan end = now + context.Random.Jitter(sentence.Term);
        context.Timers.Schedule(end, later => End(later, id, sentence));
    }

    /// <summary>The term is over: the place is given back for an answer.</summary>
    private void End(TimeSpan now, Key id, Sentence sentence)
    {
        if (!_known.TryGetValue(id, out Sentence? known) || known != sentence)
        {
            return;
        }

        if (!context.Peers.Contains(id))
        {
            sentence.IsServed = false; // it is judged anew if it comes back
            return;
        }

        Probe(now, id, (later, result) =>
        {
            if (!context.Peers.TryGet(id, out Peer? peer))
            {
                sentence.IsServed = false;
            }
            else if (result.Status == KbrStatus.Ok)
            {
                sentence.IsServed = false;
                Readmit(later, peer);
            }
            else
            {
                Prolong(later, id, sentence);
            }
        });
    }

    /// <summary>It is known still, so that a next term is longer.</summary>
    private void Readmit(TimeSpan now, Peer peer)
    {
        if (rings.IsBarred(peer))
        {
            conduct[peer].IsSuspected = false;
            conduct[peer].Dropped = 0;
            rings.Readmit(now, peer);
        }
    }

    private sealed class Sentence
    {
        public TimeSpan Term { get; set; }

        public TimeSpan PassedAt { get; set; }

        public bool IsServed { get; set; }
    }
}
