using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Tests.Overlay;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Transcripts;

/// <summary>
/// Scenarios that show what the protocol does, message by message. IGOR_REWRITE=1 ./test Golden writes the
/// files anew.
/// </summary>
public class TranscriptTests
{
    private const string Service = "files";

    private readonly TestNetwork _network = new();

    [Fact]
    public void Golden_three_nodes_join()
    {
        Transcript transcript = New("Three nodes join", """
            The first founds the ring. The second joins through it, the third through the second: it asks
            who is near its own id, and connects to those.
            """);
        transcript.Say("A has nobody to join, and founds the ring");
        TestNode a = transcript.Add(0x20);
        Run(1);
        transcript.Say("B joins through A");
        TestNode b = transcript.Add(0x60, through: a);
        Run(3);
        transcript.Say("C joins through B");
        transcript.Add(0xA0, through: b);
        Run(3);
        Check(transcript, "three-join.txt");
    }

    [Fact]
    public void Golden_neighbour_dies_without_a_word()
    {
        Transcript transcript = New("A neighbour dies without a word", """
            Six nodes keep one neighbour on each side. C's host vanishes: nothing is closed, nothing comes any
            more. Who misses its heartbeats asks it; who gets no answer tells its own neighbours (QuietPeer),
            and each of them asks before it believes. B and D become neighbours.
            """);
        TestNode[] nodes = Ring(transcript, 6);
        (TestNode b, TestNode d) = (nodes[1], nodes[3]);
        transcript.Say("C is gone");
        nodes[2].Kill(silently: true);
        _network.Until(() => IsNeighbour(b, d) && IsNeighbour(d, b), TimeSpan.FromSeconds(10));
        transcript.Say("B and D are neighbours");
        Run(0.5);
        Check(transcript, "neighbour-dies.txt");
    }

    [Fact]
    public void Golden_link_is_refused()
    {
        Transcript transcript = New("A link is refused", """
            B comes to A with another network's name. Then others join through A, until it has so many
            connections that it takes neighbours only. L is told where to go instead, and finds its place.
            """);
        transcript.Say("A founds a ring");
        TestNode a = transcript.Add(0x20, change: o => Small(o) with { LinksMax = 8 });
        Run(1);
        transcript.Say("B calls its network by another name");
        TestNode b = transcript.Add(0x60, a, o => Small(o) with { Network = "other" });
        Run(0.1);
        b.Kill();
        transcript.Say("Others join through A");
        transcript.IsQuiet = true;
        for (int i = 1; i <= 9; i++)
        {
            Join(transcript, (byte)(0x20 + (22 * i)), a);
        }

        transcript.IsQuiet = false;
        transcript.Say("A is busy when L comes, and L would be no neighbour of it");
        TestNode l = transcript.Add(0x84, a, Small);
        _network.Until(() => l.Overlay.IsJoined, TimeSpan.FromSeconds(3));
        Run(0.1);
        Check(transcript, "refused-link.txt");
    }

    [Fact]
    public void Golden_announcement_is_lost()
    {
        Transcript transcript = New("An announcement is lost", """
            A runs a service, but the link to B has no room for the message that says so. A's next heartbeat
            names a version of its services that B does not know, and B asks for what it missed.
            """);
        TestNode[] nodes = Ring(transcript, 2);
        transcript.Say("A subscribes to 'files' while its link to B is full");
        _network.IsFull = (from, _) => from == nodes[0];
        nodes[0].Join(Service);
        Run(1);
        transcript.Say("The link has room again");
        _network.IsFull = null;
        bool isTold = false;
        _network.Loses = (from, _, frame) =>
        {
            isTold |= from == nodes[0] && frame[1] == (byte)MessageType.Services;
            return false;
        };
        _network.Until(() => isTold, TimeSpan.FromSeconds(10));
        Run(1);
        Check(transcript, "lost-announcement.txt");
    }

    [Fact]
    public void Golden_service_is_subscribed_to()
    {
        Transcript transcript = New("A service is subscribed to", """
            Two nodes of sixteen run 'files', and the one that subscribes is connected to neither. It asks at
            the service's meeting place for members, joins through one of them inside the service, and answers
            requests for its keys.
            """);
        TestNode[] nodes = Ring(transcript, 16);
        TestNode newcomer = nodes.MinBy(n => n.Overlay.Peers.Count)!;
        HashSet<Key> known = [newcomer.Id, .. newcomer.Overlay.Peers.Select(peer => peer.Id)];
        TestNode[] members = [.. nodes.Where(n => !known.Contains(n.Id)).Take(2)];
        Assert.Equal(2, members.Length);
        transcript.IsQuiet = true;
        Array.ForEach(members, member => member.Join(Service));
        Run(30);
        transcript.IsQuiet = false;
        transcript.Say("The newcomer subscribes");
        newcomer.Join(Service);
        _network.Until(() => newcomer.Overlay.Neighbours(ServiceId.FromName(Service)).IsMember);
        Run(0.5);
        transcript.Say("Another member asks for a key of the newcomer");
        members[0].Request(Service, newcomer.Id, [1, 2, 3]);
        Run(0.05);
        Check(transcript, "service.txt");
    }

    [Fact]
    public void Golden_hop_is_silent()
    {
        Transcript transcript = New("A hop is silent", """
            A request goes from hop to hop, and its answer back the same way. When the first hop's host has
            vanished, the request takes another way.
            """);
        transcript.Hide(MessageType.Heartbeat, MessageType.Ping, MessageType.Pong, MessageType.QuietPeer);
        TestNode[] nodes = Ring(transcript, 16);
        transcript.IsQuiet = true;
        Array.ForEach(nodes, node => node.Join(Service));
        Run(20);
        TestNode origin = nodes.MinBy(n => n.Overlay.Peers.Count)!;
        TestNode root = nodes.First(n => n != origin && origin.Overlay.Peers.All(peer => peer.Id != n.Id));
        TestNode? hop = null;
        _network.Loses = (from, to, frame) =>
        {
            hop ??= from == origin && frame[1] == (byte)MessageType.Route ? to : null;
            return false;
        };
        transcript.IsQuiet = false;
        transcript.Say("A request is answered");
        origin.Request(Service, root.Id, [1, 2, 3]);
        _network.Until(() => origin.Replies.Count == 1);
        transcript.Say("Its first hop is gone, and a request is made again");
        hop!.Kill(silently: true);
        origin.Request(Service, root.Id, [1, 2, 3]);
        _network.Until(() => origin.Replies.Count == 2, TimeSpan.FromSeconds(3));
        Check(transcript, "silent-hop.txt");
    }

    private static bool IsNeighbour(TestNode of, TestNode node) =>
        of.Overlay.Neighbours(ServiceId.Base).Others.Contains(node.Id);

    /// <summary>A ring that has settled, its nodes as far apart as they can be.</summary>
    private TestNode[] Ring(Transcript transcript, int count)
    {
        transcript.Say($"{count} nodes are a ring");
        transcript.IsQuiet = true;
        var nodes = new List<TestNode>();
        for (int i = 0; i < count; i++)
        {
            nodes.Add(Join(transcript, (byte)((256 * i / count) + 8), i == 0 ? null : nodes[0]));
        }

        Run(20);
        transcript.IsQuiet = false;
        return [.. nodes];
    }

    private TestNode Join(Transcript transcript, byte id, TestNode? through)
    {
        TestNode node = transcript.Add(id, through, Small);
        Run(2);
        return node;
    }

    private static OverlayOptions Small(OverlayOptions options) => options with { NeighboursPerSide = 1 };

    private Transcript New(string title, string purpose)
    {
        var transcript = new Transcript(_network, title, purpose);
        transcript.Add(Service);
        return transcript;
    }

    private void Run(double seconds) => _network.Run(TimeSpan.FromSeconds(seconds));

    private static void Check(Transcript transcript, string file) =>
        Golden.Check($"Transcripts/{file}", transcript.ToString());
}
