using System.Net.Sockets;
using Igor.Dht.Protocol;
using Igor.Kbr;
using Igor.Testing;

namespace Igor.Dht.Tests;

/// <summary>Calls behind a daemon that hangs: its socket takes all and answers nothing.</summary>
public sealed class HangingDaemonTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Every_call_ends_in_time_also_when_the_daemon_does_not_say_why()
    {
        await using IgorDht daemon = await IgorDht.OpenAsync(new IgorDhtOptions
        {
            Data = _folder.Combine("data"),
            Socket = _folder.Combine("real.sock"),
            UseDaemon = false,
            ServeSocket = true,
            Listen = "127.0.0.1:0",
            Network = "test",
            Role = ServiceRole.Member,
        });
        string between = _folder.Combine("between.sock");
        using var relay = new Relay(between, _folder.Combine("real.sock"));
        IgorDht client = await IgorDht.OpenAsync(new IgorDhtOptions
        {
            Data = _folder.Combine("none"),
            Socket = between,
            Network = "test",
            Role = ServiceRole.Client,
            Timeout = s_patience,
        });
        await client.PutAsync("tea", "green"u8.ToArray());
        relay.Hangs = true;
        var impatient = new PutOptions { Timeout = TimeSpan.FromSeconds(0.2) };
        foreach (Func<Task> write in (Func<Task>[])
        [
            () => client.PutAsync("tea", "black"u8.ToArray(), impatient),
            () => client.DeleteAsync("tea", impatient),
        ])
        {
            DhtException failure =
                await Assert.ThrowsAsync<DhtException>(() => write().WaitAsync(s_patience));
            Assert.Equal(DhtError.Unreachable, failure.Error);
        }

        GetResult got = await client.GetAsync("tea", new GetOptions { Timeout = impatient.Timeout })
            .WaitAsync(s_patience);
        Assert.Equal((GetOutcome.Unreachable, null), (got.Outcome, got.Barrier));
        relay.Dispose();
        await client.DisposeAsync();
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Stands between a client and a daemon, and passes all on until it hangs.</summary>
    private sealed class Relay : IDisposable
    {
        private readonly Socket _listener = Unix();
        private readonly Socket _daemon = Unix();
        private Socket? _client;

        public Relay(string path, string daemon)
        {
            _listener.Bind(new UnixDomainSocketEndPoint(path));
            _listener.Listen();
            _daemon.Connect(new UnixDomainSocketEndPoint(daemon));
            _ = RunAsync();
        }

        public bool Hangs { get; set; }

        public void Dispose()
        {
            _listener.Dispose();
            _daemon.Dispose();
            _client?.Dispose();
        }

        private static Socket Unix() =>
            new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

        private async Task RunAsync()
        {
            _client = await _listener.AcceptAsync();
            _ = PassAsync(_client, _daemon);
            await PassAsync(_daemon, _client);
        }

        private async Task PassAsync(Socket from, Socket to)
        {
            byte[] buffer = new byte[4096];
            try
            {
                while (await from.ReceiveAsync(buffer) is > 0 and int count)
                {
                    for (int sent = 0; sent < count && !Hangs;)
                    {
                        sent += await to.SendAsync(buffer.AsMemory(sent, count - sent));
                    }
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // One of the two has ended.
            }
        }
    }
}
