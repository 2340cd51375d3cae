using System.Net;
using System.Net.Sockets;
using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Node.Transport;
using Igor.Node.Transport.Links;
using Igor.Testing;

namespace Igor.Node.Tests;

/// <summary>Nodes with several addresses, of which some lead nowhere or elsewhere.</summary>
public sealed class AddressRaceTests
{
    private static readonly TimeSpan Never = TimeSpan.FromHours(1);

    [Fact]
    public async Task Next_address_begins_at_once_when_one_fails()
    {
        var begun = new List<int>();
        DialOutcome outcome = await AddressRace.RunAsync(
            3,
            Never,
            (at, _) =>
            {
                begun.Add(at);
                return Task.FromResult(at == 2 ? Connected() : DialOutcome.Failed($"cause {at}"));
            },
            CancellationToken.None);
        Assert.Equal([0, 1, 2], begun);
        Assert.Equal(new DialProgress(2), outcome.Progress);
        outcome.Secured!.Dispose();
    }

    [Fact]
    public async Task Next_address_begins_a_moment_after_one_that_is_silent_and_the_silent_one_is_given_up()
    {
        CancellationToken lost = default;
        DialOutcome outcome = await AddressRace.RunAsync(
            2,
            TimeSpan.FromMilliseconds(1),
            async (at, start) =>
            {
                if (at == 1)
                {
                    return Connected();
                }

                lost = start.Lost;
                await Task.Delay(Never, start.Lost);
                return default;
            },
            CancellationToken.None);
        Assert.Equal(new DialProgress(1), outcome.Progress);
        Assert.True(lost.IsCancellationRequested);
        outcome.Secured!.Dispose();
    }

    [Fact]
    public async Task First_address_that_works_is_the_only_one_tried()
    {
        DialOutcome outcome = await AddressRace.RunAsync(
            4,
            Never,
            (at, _) => Task.FromResult(at == 0 ? Connected() : throw new InvalidOperationException()),
            CancellationToken.None);
        Assert.Equal(new DialProgress(0, Later: 0), outcome.Progress);
        outcome.Secured!.Dispose();
    }

    [Fact]
    public async Task Address_that_begun_later_and_lost_is_counted_and_closed()
    {
        var second = new TaskCompletionSource<DialOutcome>();
        var first = new TaskCompletionSource<DialOutcome>();
        Task<DialOutcome> race = AddressRace.RunAsync(
            2,
            TimeSpan.Zero,
            (at, _) =>
            {
                if (at == 1)
                {
                    first.SetResult(Connected());
                }

                return at == 0 ? first.Task : second.Task;
            },
            CancellationToken.None);
        DialOutcome outcome = await Eventually.CompletesAsync(race);
        Assert.Equal(new DialProgress(0, Later: 1), outcome.Progress);
        DialOutcome loser = Connected();
        second.SetResult(loser);
        await Eventually.HoldsAsync(() => loser.Secured!.Socket.SafeHandle.IsClosed, "the loser is closed");
        outcome.Secured!.Dispose();
    }

    [Fact]
    public async Task All_causes_are_told_when_all_fail()
    {
        DialOutcome outcome = await AddressRace.RunAsync(
            3,
            Never,
            (at, _) => Task.FromResult(DialOutcome.Failed(at == 2 ? "no answer" : "connection refused")),
            CancellationToken.None);
        Assert.Equal((null, "connection refused, or no answer"), (outcome.Secured, outcome.Cause));
    }

    [Fact]
    public async Task Address_that_no_socket_can_be_made_for_leaves_the_others_their_try()
    {
        DialOutcome outcome = await AddressRace.RunAsync(
            3,
            Never,
            async (at, _) =>
            {
                await Task.Yield();
                return at == 2
                    ? Connected()
                    : throw new SocketException((int)SocketError.AddressFamilyNotSupported);
            },
            CancellationToken.None);
        Assert.Equal(new DialProgress(2), outcome.Progress);
        outcome.Secured!.Dispose();
    }

    [Fact]
    public async Task Host_of_a_name_that_answers_holds_the_next_address_back()
    {
        var begun = new List<int>();
        var answer = new TaskCompletionSource<DialOutcome>();
        Task<DialOutcome> race = AddressRace.RunAsync(
            2,
            TimeSpan.Zero,
            (at, start) =>
            {
                begun.Add(at);
                return AddressRace.RunAsync(2, Never, Host, start.Lost, start);
            },
            CancellationToken.None);
        Assert.Equal([0], begun);
        answer.SetResult(Connected());
        (await Eventually.CompletesAsync(race)).Secured!.Dispose();

        Task<DialOutcome> Host(int at, HeadStart start)
        {
            start.Renew(Never);
            start.Renew(TimeSpan.Zero); // a quicker one takes nothing away
            return answer.Task;
        }
    }

    [Fact]
    public async Task Race_that_is_stopped_ends()
    {
        using var stopping = new CancellationTokenSource();
        Task<DialOutcome> race = AddressRace.RunAsync(
            2,
            TimeSpan.Zero,
            async (_, start) =>
            {
                await Task.Delay(Never, start.Lost).ContinueWith(_ => { }, TaskScheduler.Default);
                return DialOutcome.Failed("stopped");
            },
            stopping.Token);
        await stopping.CancelAsync();
        Assert.Null((await Eventually.CompletesAsync(race)).Secured);
    }

    [Fact]
    public async Task Node_is_found_behind_addresses_that_refuse_that_are_silent_and_that_are_somebody_elses()
    {
        // The system accepts there, and nobody speaks.
        using var silent = new TcpListener(IPAddress.Parse("127.0.0.3"), 0);
        silent.Start();
        await using var other = new LinkRecorder();
        await using var server = new LinkRecorder();
        await using var client = new LinkRecorder();
        string refusing = "127.0.0.2:" + other.Listen("127.0.0.1").Split(':')[1];
        string right = server.Listen("127.0.0.4");

        client.DialNode(
            server.Id,
            refusing,
            silent.LocalEndpoint.ToString()!,
            other.Transport.EndPoint!.ToString(),
            right);

        TlsLink link = await client.FirstLink();
        Assert.Equal((server.Id, right), (link.Peer, link.RemoteAddress));
        Assert.Equal(new DialProgress(3), client.Progress);
        await Eventually.HoldsAsync(() => other.Transport.Connections == 0, "the other one is let go");
    }

    [Fact]
    public async Task Address_that_leads_back_to_the_dialler_does_not_win()
    {
        await using var server = new LinkRecorder();
        await using var client = new LinkRecorder();
        client.DialNode(null, client.Listen(), "localhost:" + server.Listen().Split(':')[1]);
        await Eventually.HoldsAsync(
            () => client.Opened.Any(opened => opened.Dial is not null), "the other address wins");
        Assert.Equal(server.Id, client.Opened.First(opened => opened.Dial is not null).Link.Peer);
    }

    [Fact]
    public async Task Another_node_wins_when_no_other_address_answers()
    {
        await using var server = new LinkRecorder();
        await using var client = new LinkRecorder();
        string refusing = "127.0.0.2:" + server.Listen().Split(':')[1];
        client.DialNode(Key.Max, server.Transport.EndPoint!.ToString(), refusing);
        Assert.Equal(server.Id, (await client.FirstLink()).Peer);
        Assert.Equal(new DialProgress(0, Later: 1), client.Progress);
    }

    private static DialOutcome Connected() => new(
        new SecuredSocket(
            new Socket(SocketType.Stream, ProtocolType.Tcp),
            new System.Net.Security.SslStream(new MemoryStream()),
            Key.Max,
            "10.0.0.1:1"),
        IsWanted: true,
        string.Empty);
}
