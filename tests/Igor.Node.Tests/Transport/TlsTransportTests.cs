using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Igor.Kbr.Overlay.Machines;
using Igor.Node.Addresses;
using Igor.Node.Memory;
using Igor.Node.Reporting;
using Igor.Node.Transport.Admission;
using Igor.Node.Transport.Links;
using Igor.Testing;

namespace Igor.Node.Tests;

public sealed class TlsTransportTests
{
    [Fact]
    public async Task Both_ends_learn_the_id_that_the_other_proves()
    {
        await using var server = new LinkRecorder();
        await using var client = new LinkRecorder();
        client.Dial(server.Listen(), dial: 7);
        TlsLink outgoing = await client.FirstLink();
        TlsLink incoming = await server.FirstLink();
        Assert.Equal(server.Id, outgoing.Peer);
        Assert.Equal(client.Id, incoming.Peer);
        Assert.Equal(new DialId(7), client.Opened.First().Dial);
        Assert.Null(server.Opened.First().Dial);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1000, 300)]
    [InlineData(16 * 1024, 40)]
    [InlineData(2 * 1024 * 1024, 3)]
    public async Task Frames_arrive_whole_and_in_order(int bytes, int count)
    {
        await using var server = new LinkRecorder();
        await using var client = new LinkRecorder();
        client.Dial(server.Listen());
        TlsLink link = await client.FirstLink();
        for (int i = 0; i < count; i++)
        {
            Assert.True(await client.Send(link, Content(i, bytes)));
        }

        await Eventually.HoldsAsync(() => server.Frames.Count == count, "all frames arrive");
        Assert.All(server.Frames.Select((body, i) => (body, i)), frame =>
            Assert.True(
                frame.body.AsSpan().SequenceEqual(Content(frame.i, bytes)), $"frame {frame.i} differs"));
    }

    [Fact]
    public async Task Frames_of_all_sizes_are_echoed()
    {
        await using var server = new LinkRecorder();
        await using var client = new LinkRecorder();
        server.Answer = (link, body) => Assert.True(server.Transport.Send(link.Id, body.Span, default));
        client.Dial(server.Listen());
        TlsLink link = await client.FirstLink();
        var random = new Random(4711);
        List<byte[]> sent = [.. Enumerable.Range(0, 400).Select(i => Content(i, 1 << random.Next(17)))];
        foreach (byte[] body in sent)
        {
            await Eventually.HoldsAsync(() => client.Send(link, body), "there is room to send");
        }

        await Eventually.HoldsAsync(() => client.Frames.Count == sent.Count, "all echoes arrive");
        Assert.All(client.Frames.Zip(sent), pair => Assert.Equal(pair.Second, pair.First));
    }

    [Fact]
    public async Task Dial_to_nobody_fails_with_a_cause()
    {
        await using var client = new LinkRecorder();
        string address;
        await using (var gone = new LinkRecorder())
        {
            address = gone.Listen();
        }

        client.Dial(address);
        client.Dial("not an address");
        await Eventually.HoldsAsync(() => client.Failed.Count == 2, "both dials fail");
        Assert.Contains(
            client.Failed, cause => cause.Contains("refused", StringComparison.OrdinalIgnoreCase));
        Assert.Contains(client.Failed, cause => cause.Contains("no address", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("[fe80::1%nowhere]:4646")]
    [InlineData("xn--a:4646")]
    [InlineData("xn--0:4646")]
    [InlineData("0.0.0.0:1")]
    [InlineData("255.255.255.255:1")]
    [InlineData("[ff02::1]:1")]
    public async Task Dial_to_an_odd_address_ends_and_holds_nothing(string address)
    {
        await using var client = new LinkRecorder();
        client.Dial(address);
        await Eventually.HoldsAsync(() => !client.Failed.IsEmpty, "the dial fails");
        Assert.Equal(0, client.Transport.Connections);
    }

    [Fact]
    public async Task Link_that_the_node_fails_to_take_up_is_closed()
    {
        await using var server = new LinkRecorder();
        await using var client = new LinkRecorder
        {
            Opening = _ => throw new InvalidOperationException("a bug"),
        };
        client.Dial(server.Listen());
        await Eventually.HoldsAsync(
            () => client.Closed.Count == 1 && client.Transport.Connections == 0, "the link is gone");
        Assert.IsType<InvalidOperationException>(Assert.Single(client.Bugs));
        client.Bugs.Clear();
    }

    [Fact]
    public async Task Peers_over_IPv4_have_IPv4_addresses_at_a_listener_for_both()
    {
        await using var server = new LinkRecorder();
        await using var client = new LinkRecorder();
        string port = server.Listen("::").Split(':')[^1];
        client.Dial("127.0.0.1:" + port);
        await client.FirstLink();
        Assert.StartsWith("127.0.0.1:", (await server.FirstLink()).RemoteAddress, StringComparison.Ordinal);
    }

    [Fact]
    public async Task IPv4_address_in_the_form_of_IPv6_is_dialled_as_IPv4()
    {
        await using var server = new LinkRecorder();
        await using var client = new LinkRecorder();
        string port = server.Listen().Split(':')[^1];
        client.Dial("[::ffff:127.0.0.1]:" + port);
        Assert.Equal("127.0.0.1:" + port, (await client.FirstLink()).RemoteAddress);
    }

    [Fact]
    public async Task Dial_to_an_end_that_never_answers_fails_at_its_deadline()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var client = new LinkRecorder(
            new TransportOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(200) });
        client.Dial(silent.LocalEndpoint.ToString()!);
        await Eventually.HoldsAsync(() => !client.Failed.IsEmpty, "the dial fails");
        Assert.Contains("took too long", client.Failed.First(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Closed_link_delivers_what_was_sent_before()
    {
        await using var server = new LinkRecorder();
        await using var client = new LinkRecorder();
        client.Dial(server.Listen());
        TlsLink link = await client.FirstLink();
        byte[] last = Content(1, 500_000);
        await client.OnStrand(() =>
        {
            Assert.True(client.Transport.Send(link.Id, last, default));
            client.Transport.Close(link.Id);
            return client.Transport.Send(link.Id, last, default);
        }).ContinueWith(sent => Assert.False(sent.Result), TaskScheduler.Default);
        await Eventually.HoldsAsync(() => !server.Closed.IsEmpty, "the other end hears of it");
        Assert.Equal(last, Assert.Single(server.Frames));
        Assert.Equal("the other end closed it", server.Closed.First());
        await Eventually.HoldsAsync(() => client.Transport.Connections == 0, "the slot is free again");
        Assert.Empty(client.Closed);
    }

    [Fact]
    public async Task Frame_longer_than_allowed_ends_the_link_before_its_bytes_come()
    {
        await using var server = new LinkRecorder(new TransportOptions { FrameBytesMax = 1000 });
        await using var client = new LinkRecorder();
        client.Dial(server.Listen());
        TlsLink link = await client.FirstLink();
        await client.Send(link, Content(0, 1000));
        await client.Send(link, Content(0, 1001));
        await Eventually.HoldsAsync(() => !server.Closed.IsEmpty, "the link ends");
        Assert.Single(server.Frames);
        Assert.Contains("1001 bytes", server.Closed.First(), StringComparison.Ordinal);
        Assert.True((await server.FirstLink()).BrokeProtocol);
        await Eventually.HoldsAsync(() => !client.Closed.IsEmpty, "the sender hears of it");
    }

    [Fact]
    public async Task Reader_that_does_not_read_makes_send_refuse_at_the_bound()
    {
        var options = new TransportOptions { OutgoingBytesMax = 256 * 1024 };
        using var blocked = new ManualResetEventSlim();
        await using var server = new LinkRecorder();
        await using var client = new LinkRecorder(options);
        client.Dial(server.Listen());
        TlsLink link = await client.FirstLink();
        await server.FirstLink();
        server.Answer = (_, _) => blocked.Wait();
        byte[] body = Content(0, 64 * 1024);
        int sent = 0;
        await Eventually.HoldsAsync(
            async () =>
            {
                bool accepted = await client.Send(link, body);
                sent += accepted ? 1 : 0;
                return !accepted;
            },
            "sending is refused");
        Assert.True(sent >= 3);
        blocked.Set();
        await Eventually.HoldsAsync(() => client.Send(link, body), "there is room again");
    }

    [Fact]
    public async Task Reader_that_does_not_read_is_closed_with_a_reason_and_nothing_is_held_for_it()
    {
        using var blocked = new ManualResetEventSlim();
        await using var server = new LinkRecorder();
        await using var client = new LinkRecorder(bytesMax: 64 * 1024 * 1024);
        client.Dial(server.Listen());
        TlsLink link = await client.FirstLink();
        await server.FirstLink();
        server.Answer = (_, _) => blocked.Wait();
        byte[] body = Content(0, 1024 * 1024);
        await Eventually.HoldsAsync(
            async () => !await client.Send(link, body), "the share of a stranger is used up");
        Assert.InRange(client.Bytes.Total, 2 * 1024 * 1024, 8 * 1024 * 1024);
        Assert.True(client.Bytes.Refused(HolderKind.Stranger) > 0);
        TimeSpan now = default;
        await Eventually.HoldsAsync(
            async () =>
            {
                now += TimeSpan.FromSeconds(10);
                await client.OnStrand(() =>
                {
                    client.Transport.CloseStalled(now);
                    return true;
                });
                return !client.Closed.IsEmpty;
            },
            "the link is closed");
        Assert.Contains("does not read", client.Closed.First(), StringComparison.Ordinal);
        await Eventually.HoldsAsync(() => client.Bytes.Total == 0, "nothing is held");
        blocked.Set();
    }

    [Fact]
    public async Task A_connection_beyond_the_bound_takes_the_place_of_the_oldest_that_said_nothing()
    {
        await using var server = new LinkRecorder(new TransportOptions { ConnectionsMax = 2 });
        await using var first = new LinkRecorder();
        await using var second = new LinkRecorder();
        await using var third = new LinkRecorder();
        string address = server.Listen();
        foreach (LinkRecorder client in (LinkRecorder[])[first, second, third])
        {
            int before = server.Opened.Count;
            client.Dial(address);
            await Eventually.HoldsAsync(() => server.Opened.Count > before, "it is taken in");
        }

        await Eventually.HoldsAsync(() => !first.Closed.IsEmpty, "the first gives way");
        Assert.Empty(second.Closed);
        Assert.Empty(third.Closed);
        Assert.Equal(1, server.Transport.Inbound.Refused(InboundRefusal.EvictedLink));
    }

    [Fact]
    public async Task A_connection_beyond_the_bound_is_closed_when_members_have_all_places()
    {
        await using var server = new LinkRecorder(new TransportOptions { ConnectionsMax = 1 });
        await using var member = new LinkRecorder();
        await using var newcomer = new LinkRecorder();
        string address = server.Listen();
        member.Dial(address);
        TlsLink link = await server.FirstLink();
        Assert.True(await server.OnStrand(() =>
        {
            server.Transport.SetStanding(link.Id, PeerStanding.Member);
            return true;
        }));
        newcomer.Dial(address);
        await Eventually.HoldsAsync(() => !newcomer.Closed.IsEmpty, "the newcomer is refused");
        Assert.Empty(member.Closed);
        Assert.Equal(1, server.Transport.Inbound.Refused(InboundRefusal.Full));
    }

    [Theory]
    [InlineData(PeerStanding.Stranger)]
    [InlineData(PeerStanding.Member)]
    public async Task A_stranger_over_its_rate_is_read_slowly_and_a_member_is_not(PeerStanding standing)
    {
        const int count = 60;
        await using var server = new LinkRecorder(new TransportOptions { StrangerFramesPerSecond = 20 });
        await using var client = new LinkRecorder();
        client.Dial(server.Listen());
        TlsLink outgoing = await client.FirstLink();
        TlsLink incoming = await server.FirstLink();
        await using var other = new LinkRecorder(); // an only peer would be held to nothing
        other.Dial(server.Transport.EndPoint!.ToString());
        await Eventually.HoldsAsync(() => server.Opened.Count == 2, "the other is there");
        Assert.True(await server.OnStrand(() =>
        {
            server.Transport.SetStanding(incoming.Id, standing);
            return true;
        }));
        for (int i = 0; i < count; i++)
        {
            Assert.True(await client.Send(outgoing, Content(i, 10)));
        }

        await Eventually.HoldsAsync(() => server.Frames.Count == count, "all frames arrive in the end");
        await Eventually.HoldsAsync(
            () => server.Transport.Inbound.Throttled > 0 == (standing == PeerStanding.Stranger), "it waits");
    }

    [Fact]
    public async Task A_link_that_waits_for_its_share_is_closed_at_once()
    {
        await using var server = new LinkRecorder(new TransportOptions { StrangerFramesPerSecond = 1 });
        await using var client = new LinkRecorder();
        client.Dial(server.Listen());
        TlsLink outgoing = await client.FirstLink();
        TlsLink incoming = await server.FirstLink();
        await using var other = new LinkRecorder(); // an only peer would be held to nothing
        other.Dial(server.Transport.EndPoint!.ToString());
        await Eventually.HoldsAsync(() => server.Opened.Count == 2, "the other is there");
        for (int i = 0; i < 1000; i++)
        {
            Assert.True(await client.Send(outgoing, Content(i, 10)));
        }

        await Eventually.HoldsAsync(() => server.Transport.Inbound.Throttled > 0, "it waits");
        incoming.Abort("enough");
        await Eventually.CompletesAsync(incoming.Ended); // not after the quarter of an hour that it owes
    }

    [Fact]
    public async Task A_link_that_waits_for_its_share_is_read_once_it_leads_to_a_member()
    {
        const int count = 100;
        await using var server = new LinkRecorder(new TransportOptions { StrangerBytesPerSecond = 1 });
        await using var client = new LinkRecorder();
        client.Dial(server.Listen());
        TlsLink outgoing = await client.FirstLink();
        TlsLink incoming = await server.FirstLink();
        await using var other = new LinkRecorder(); // an only peer would be held to nothing
        other.Dial(server.Transport.EndPoint!.ToString());
        await Eventually.HoldsAsync(() => server.Opened.Count == 2, "the other is there");
        for (int i = 0; i < count; i++)
        {
            Assert.True(await client.Send(outgoing, Content(i, 1000)));
        }

        await Eventually.HoldsAsync(() => server.Transport.Inbound.Throttled > 0, "it waits");
        Assert.True(await server.OnStrand(() =>
        {
            server.Transport.SetStanding(incoming.Id, PeerStanding.Member);
            return true;
        }));
        await Eventually.HoldsAsync(() => server.Frames.Count == count, "the rest is read");
    }

    [Fact]
    public async Task Port_in_use_is_refused_by_name()
    {
        await using var first = new LinkRecorder();
        await using var second = new LinkRecorder();
        string address = first.Listen();
        Assert.True(HostPort.TryParse(address, out HostPort taken));
        var problem = Assert.Throws<NodeStartException>(() => second.Transport.Bind(taken));
        Assert.Contains(address, problem.Message, StringComparison.Ordinal);
        Assert.Contains("in use", problem.Message, StringComparison.Ordinal);
    }

    private static byte[] Content(int number, int bytes)
    {
        var content = new byte[bytes];
        new Random(number).NextBytes(content);
        if (bytes >= sizeof(int))
        {
            BinaryPrimitives.WriteInt32BigEndian(content, number);
        }

        return content;
    }
}
