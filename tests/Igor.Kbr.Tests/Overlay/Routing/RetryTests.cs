using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Routing;

/// <summary>How the node that a request comes from looks for other ways.</summary>
public class RetryTests
{
    private const string Service = "test";
    private static readonly ServiceId TestService = ServiceId.FromName(Service);

    [Theory]
    [InlineData((int)ReplyStatus.Overloaded)]
    [InlineData((int)ReplyStatus.Unreachable)]
    public void Retry_avoids_the_hop_that_refused(int status)
    {
        LoneNode node = Member();
        LinkId best = node.Connect(Id(900), Service);
        LinkId second = node.Connect(Id(800), Service);
        Request(node, TimeSpan.FromSeconds(8));
        int answered = 0;
        for (int i = 0; i < 40; i++)
        {
            foreach (byte[] frame in node.Frames(best, MessageType.Route).Skip(answered).ToArray())
            {
                answered++;
                node.Reply(best, frame, (ReplyStatus)status);
            }

            node.Run(TimeSpan.FromMilliseconds(200));
        }

        int toBest = node.Frames(best, MessageType.Route).Count;
        int toSecond = node.Frames(second, MessageType.Route).Count;
        Assert.True(
            toSecond >= toBest && toSecond > 0, $"{toBest} to the refusing hop, {toSecond} to the other");
    }

    [Fact]
    public void Retries_after_silence_go_through_as_many_first_hops_as_there_are()
    {
        LoneNode node = Member();
        LinkId[] links = [.. new ulong[] { 900, 800, 700, 600 }.Select(i => node.Connect(Id(i), Service))];
        Request(node, TimeSpan.FromSeconds(60));
        node.Run(TimeSpan.FromSeconds(59));
        Assert.All(links, link => Assert.NotEmpty(node.Frames(link, MessageType.Route)));
    }

    [Fact]
    public void Request_waits_while_no_link_takes_it_however_many_there_are()
    {
        LoneNode node = Member();
        LinkId[] links =
            [.. Enumerable.Range(0, 80).Select(i => node.Connect(Id(900 - (ulong)i), Service))];
        node.FrameBytesMax = 0;
        Request(node, TimeSpan.FromSeconds(60));
        node.Run(TimeSpan.FromSeconds(1));
        node.FrameBytesMax = int.MaxValue;
        node.Run(TimeSpan.FromSeconds(1));
        Assert.Contains(links, link => node.Routes(link).Count > 0);
    }

    [Theory]
    [InlineData(30)]
    [InlineData(3600)]
    public void Request_is_delivered_once_while_the_application_thinks(int seconds)
    {
        var network = new TestNetwork();
        var random = new SeededRandom(5);
        TestNode first = network.Add(random.NextKey());
        for (int i = 1; i < 10; i++)
        {
            network.Add(random.NextKey(), through: first);
        }

        network.Nodes.ForEach(n => n.Join(Service));
        network.Run(TimeSpan.FromSeconds(30));
        network.Nodes.ForEach(n => n.Answers = false);
        TestNode root = network.Nodes[7];
        RequestId request = network.Nodes[1].Request(Service, root.Id, [1], timeoutSeconds: seconds);
        network.Run(TimeSpan.FromSeconds(seconds - 1));
        DeliveryToken token = Assert.Single(network.Nodes.SelectMany(n => n.Deliveries)).Token;
        Assert.DoesNotContain(
            network.Nodes.SelectMany(n => n.Events), e => e.Kind == OverlayEventKind.PeerSilent);
        root.Do(o => o.Reply(network.Now, token, new byte[] { 9 }));
        network.Run(TimeSpan.FromSeconds(2));
        Assert.Equal(KbrStatus.Ok, network.Nodes[1].Replies[request].Status);
    }

    [Fact]
    public void Answer_after_an_hour_finds_its_way_though_links_came_and_went()
    {
        var network = new TestNetwork();
        var random = new SeededRandom(5);
        TestNode first = network.Add(random.NextKey());
        for (int i = 1; i < 60; i++)
        {
            network.Add(random.NextKey(), through: first);
        }

        network.Nodes.ForEach(n => n.Join(Service));
        network.Run(TimeSpan.FromSeconds(60));
        TestNode root = network.Nodes[1];
        root.Answers = false;
        TestNode[] from = [.. network.Nodes.Where(n => n != root).Take(20)];
        RequestId[] asked = [.. from.Select(n => n.Request(Service, root.Id, [1], timeoutSeconds: 3600))];
        network.Run(TimeSpan.FromSeconds(3590));
        root.Deliveries.ToList().ForEach(d => root.Do(o => o.Reply(network.Now, d.Token, new byte[] { 9 })));
        network.Run(TimeSpan.FromSeconds(10));
        Assert.All(from.Zip(asked), n => Assert.Equal(KbrStatus.Ok, n.First.Replies[n.Second].Status));
        Assert.DoesNotContain(
            network.Nodes.SelectMany(n => n.Events), e => e.Kind == OverlayEventKind.PeerSilent);
    }

    [Fact]
    public void Hop_that_says_over_and_over_that_it_works_does_not_hold_a_request()
    {
        LoneNode node = Member();
        LinkId works = node.Connect(Id(900), Service);
        LinkId other = node.Connect(Id(800), Service);
        Request(node, TimeSpan.FromSeconds(30));
        for (int i = 0; i < 10; i++)
        {
            node.Reply(works, node.Routes(works)[0], ReplyStatus.Working);
            node.Run(TimeSpan.FromMilliseconds(500));
        }

        Assert.NotEmpty(node.Frames(works, MessageType.RequestQuery)); // its word is no answer
        node.Reply(other, node.Routes(other).Single(), ReplyStatus.Ok);
        Assert.Equal(KbrStatus.Ok, Assert.Single(node.Ended).Value);
    }

    [Fact]
    public void Hop_that_said_that_it_works_and_brought_nothing_is_avoided_and_keeps_its_place()
    {
        LoneNode node = Member();
        LinkId works = node.Connect(Id(900), Service);
        for (int i = 1; i <= 3; i++)
        {
            Request(node, TimeSpan.FromSeconds(0.4), i);
            node.Reply(works, node.Routes(works)[^1], ReplyStatus.Working);
            node.Run(TimeSpan.FromSeconds(0.5));
        }

        Assert.Equal(3, node.Ended.Count);
        Assert.DoesNotContain(node.Events, e => e.Kind == OverlayEventKind.PeerSilent);
        LinkId other = node.Connect(Id(800), Service);
        Request(node, TimeSpan.FromSeconds(9), 4);
        Assert.Equal((3, 1), (node.Routes(works).Count, node.Routes(other).Count));
    }

    [Fact]
    public void Hop_that_refuses_a_repeat_may_answer_what_it_was_asked_first()
    {
        LoneNode node = Member();
        LinkId only = node.Connect(Id(900), Service);
        Request(node, TimeSpan.FromSeconds(30));
        for (int i = 0; i < 100 && node.Routes(only).Count < 2; i++)
        {
            node.Run(TimeSpan.FromMilliseconds(100));
        }

        node.Reply(only, node.Routes(only)[1], ReplyStatus.Overloaded);
        node.Reply(only, node.Routes(only)[0], ReplyStatus.Ok);
        Assert.Equal(KbrStatus.Ok, Assert.Single(node.Ended).Value);
    }

    private static LoneNode Member()
    {
        var node = new LoneNode(Id(100));
        node.Join(Service);
        return node;
    }

    private static void Request(LoneNode node, TimeSpan timeout, int id = 1) => node.Overlay.Request(
        node.Now, new RequestId(id), TestService, Id(1000), default, new RequestOptions(timeout));

    private static Key Id(ulong value) => new(0, 0, 0, value);
}
