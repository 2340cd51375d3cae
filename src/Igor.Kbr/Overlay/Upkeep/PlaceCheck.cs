using Igor.Kbr.Overlay.Addresses;
using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// Whether this node knows its place in a ring: the nearest member on each side is connected, and says that
/// it knows none between itself and this node. One that took a place without that would be root of keys whose
/// root is another node still. Questions for many rings go to a member in one message. Who keeps this node
/// out again and again, refuses, is silent or names nodes that nobody reaches, is passed over, and the next
/// one behind it asked; but no more than two on each side, or a firewall would make two roots.
/// </summary>
internal sealed class PlaceCheck(
    NodeContext context, RingTable rings, NeighbourExchange exchange, Liveness liveness) : Machine
{
    /// <summary>More than can be asked about in any other way at once; who asks for more waits.</summary>
    private const int OpenMax = WireLimits.ServicesMax;

    /// <summary>Nodes named in answer to one question, and one more in each ring.</summary>
    private const int NearerMax = WireLimits.ContactsMax;

    private const int AnswersAtOnceMax = 32;
    private const int AnswersPerSecond = 4;

    /// <summary>Questions that come within that go together.</summary>
    private static readonly TimeSpan AskTogether = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan HeardLately = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(4);

    private readonly Dictionary<ServiceId, Check> _open = [];
    private readonly List<Check> _unasked = [];
    private readonly PerPeer<TokenBucket?> _answers = new(context.Peers, () => null);

    public override ReadOnlySpan<MessageType> Messages => [MessageType.PlaceQuery, MessageType.PlaceReply];

    /// <summary>
    /// Asks the nearest members; there has to be one. Says whether both know nobody nearer, and those who
    /// are, and are being connected to.
    /// </summary>
    public void Run(
        TimeSpan now, ServiceRing ring, Action<TimeSpan, bool, ImmutableArray<Contact>> completed)
    {
        if (_open.Count >= OpenMax)
        {
            return;
        }

        if (_unasked.Count == 0)
        {
            context.Timers.Schedule(now + AskTogether, Ask);
        }

        var check = new Check(ring, completed);
        _open[ring.Id] = check;
        _unasked.Add(check);
    }

    /// <summary>Those who were asked may be gone: the next ones are to be.</summary>
    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason)
    {
        foreach (Check check in _open.Values.Where(c => c.Open.Contains(peer.Id)).ToArray())
        {
            End(now, check, isRight: false);
        }
    }

    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        if (frame.Type == MessageType.PlaceQuery)
        {
            PlaceQueryMessage query = frame.Read<PlaceQueryMessage>();
            TokenBucket allowance = _answers[peer] ??= new(AnswersPerSecond, AnswersAtOnceMax);
            if (allowance.TryTake(now))
            {
                Answer(peer, query);
            }

            return;
        }

        PlaceReplyMessage reply = frame.Read<PlaceReplyMessage>();
        foreach (ServiceId service in reply.Free)
        {
            Take(now, service, peer, []);
        }

        foreach (ServiceId service in reply.Refused)
        {
            Take(now, service, peer, null);
        }

        if (!reply.Nearer.IsEmpty)
        {
            Take(now, reply.Ring, peer, reply.Nearer);
        }
    }

    private void Ask(TimeSpan now)
    {
        Check[] checks = [.. _unasked.Where(c => _open.GetValueOrDefault(c.Ring.Id) == c)];
        _unasked.Clear();
        var asked = new List<(Key Member, bool IsNext, ServiceId Ring)>();
        foreach (Check check in checks)
        {
            if (check.Ring.Members.Count == 0)
            {
                End(now, check, isRight: false);
                continue;
            }

            (check.Next, check.Previous) = Asked(check.Ring);
            check.Open.UnionWith([check.Next, check.Previous]);
            asked.Add((check.Next, true, check.Ring.Id));
            asked.Add((check.Previous, false, check.Ring.Id));
        }

        foreach (var member in asked.GroupBy(question => question.Member).OrderBy(member => member.Key))
        {
            if (!context.Peers.TryGet(member.Key, out Peer? peer))
            {
                continue;
            }

            if (now - liveness.Health(peer).HeardAt > HeardLately)
            {
                liveness.Expect(now, peer); // a dead one keeps nobody waiting
            }

            ILookup<bool, ServiceId> those = member.ToLookup(one => one.IsNext, one => one.Ring);
            ServiceId[][] after = [.. those[true].Chunk(WireLimits.PlacesMax)];
            ServiceId[][] before = [.. those[false].Chunk(WireLimits.PlacesMax)];
            for (int i = 0; i < Math.Max(after.Length, before.Length); i++)
            {
                context.Send(peer, new PlaceQueryMessage(
                    [.. after.ElementAtOrDefault(i) ?? []], [.. before.ElementAtOrDefault(i) ?? []]));
            }
        }

        context.Timers.Schedule(now + Timeout, later =>
        {
            foreach (Check check in checks.Where(c => _open.GetValueOrDefault(c.Ring.Id) == c))
            {
                foreach (Key silent in check.Open)
                {
                    check.Ring.Doubt(silent);
                }

                End(later, check, isRight: false);
            }
        });
    }

    private static (Key Next, Key Previous) Asked(ServiceRing ring) =>
        (ring.FirstTrusted(ring.Neighbours.Clockwise), ring.FirstTrusted(ring.Neighbours.CounterClockwise));

    /// <summary>What a member says of one ring: whom it knows nearer; null: it does not say.</summary>
    private void Take(TimeSpan now, ServiceId service, Peer from, ImmutableArray<Contact>? nearer)
    {
        if (!_open.TryGetValue(service, out Check? check) || !check.Open.Remove(from.Id))
        {
            return;
        }

        Contact[] lacking = [.. (nearer ?? []).Where(c => check.IsBetween(context.Id, c.Id) && IsLacking(c))];
        if (nearer is null || lacking.Length > 0)
        {
            check.IsWrong = true;
            check.Ring.Doubt(from.Id);
        }

        check.Nearer.AddRange(lacking);
        exchange.Consider(now, check.Ring, lacking, Teller.Asked(from));
        if (check.Open.Count == 0)
        {
            bool isRight = !check.IsWrong && check.Ring.Members.Count > 0
                && Asked(check.Ring) == (check.Next, check.Previous);
            End(now, check, isRight);
        }
    }

    private void End(TimeSpan now, Check check, bool isRight)
    {
        _open.Remove(check.Ring.Id);
        check.Completed(now, isRight, [.. check.Nearer]);
    }

    /// <summary>Tells a node of those between the two in the rings that it asks about.</summary>
    private void Answer(Peer asker, in PlaceQueryMessage query)
    {
        var free = ImmutableArray.CreateBuilder<ServiceId>();
        var refused = ImmutableArray.CreateBuilder<ServiceId>();
        var nearer = new List<(ServiceId, ImmutableArray<Contact>)>();
        int left = NearerMax;
        foreach (ServiceId service in query.Next.Union(query.Previous))
        {
            if (!rings.TryGet(service, out ServiceRing? ring) || !ring.IsActive)
            {
                refused.Add(service);
                continue;
            }

            // The nearest to the asker first.
            IEnumerable<Key> between = [];
            if (query.Next.Contains(service))
            {
                between = Between(ring.Neighbours.CounterClockwise, id => context.Id - id, asker.Id);
            }

            if (query.Previous.Contains(service))
            {
                between = between.Union(Between(ring.Neighbours.Clockwise, id => id - context.Id, asker.Id));
            }

            ImmutableArray<Contact> contacts = rings.Contacts(between.Take(Math.Max(1, left)));
            left -= contacts.Length;
            if (contacts.IsEmpty)
            {
                free.Add(service);
            }
            else
            {
                nearer.Add((service, contacts));
            }
        }

        if (free.Count + refused.Count > 0)
        {
            context.Send(asker, new PlaceReplyMessage(
                free.ToImmutable(), refused.ToImmutable(), ServiceId.Base, []));
        }

        foreach ((ServiceId service, ImmutableArray<Contact> contacts) in nearer)
        {
            context.Send(asker, new PlaceReplyMessage([], [], service, contacts));
        }
    }

    private static IEnumerable<Key> Between(ImmutableArray<Key> side, Func<Key, Key> distance, Key end) =>
        side.TakeWhile(id => distance(id) < distance(end)).Reverse();

    /// <summary>Who has no address comes by itself, once it hears of this node.</summary>
    private bool IsLacking(Contact contact) =>
        !context.Peers.Contains(contact.Id) && !contact.Addresses.IsEmpty;

    private sealed class Check(
        ServiceRing ring, Action<TimeSpan, bool, ImmutableArray<Contact>> completed)
    {
        public ServiceRing Ring { get; } = ring;

        public Action<TimeSpan, bool, ImmutableArray<Contact>> Completed { get; } = completed;

        /// <summary>Who was asked, clockwise and counter-clockwise.</summary>
        public Key Next { get; set; }

        public Key Previous { get; set; }

        public HashSet<Key> Open { get; } = [];

        public List<Contact> Nearer { get; } = [];

        public bool IsWrong { get; set; }

        /// <summary>Whether a node stands between this one and who was asked.</summary>
        public bool IsBetween(Key self, Key id) => id != self && id != Next && id != Previous
            && (id - self < Next - self || self - id < self - Previous);
    }
}
