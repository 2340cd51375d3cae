using System.Net;
using System.Net.Sockets;
using Igor.Dht;
using Igor.EndToEnd.Disks;
using Igor.EndToEnd.Processes;
using Igor.Testing;
using Xunit.Abstractions;

namespace Igor.EndToEnd;

/// <summary>What can be wrong with a machine: a clear error at once, exit code 5, and nothing lost.</summary>
public sealed class LocalTroubleTests(ITestOutputHelper output)
{
    private const int KibiByte = 1024;

    [Fact]
    public async Task Port_in_use_is_said_clearly()
    {
        using var folder = new TemporaryFolder();
        using var other = new TcpListener(IPAddress.Loopback, FreePort.Next());
        other.Start();
        string address = other.LocalEndpoint.ToString()!;
        ProcessResult serve = await ServeAsync(folder.Combine("data"), "--listen", address);
        serve.ExitsWith(5).SaysClearly(address);
        output.WriteLine(serve.Errors);
    }

    [Fact]
    public Task Data_folder_of_another_node_is_said_clearly() => Ring.RunAsync(1, output, async ring =>
    {
        string data = ring.Nodes[0].Data;
        ProcessResult serve = await ServeAsync(data, "--socket", ring.Scratch("other.sock"));
        serve.ExitsWith(5).SaysClearly(data);
        output.WriteLine(serve.Errors);
        (await Cli.RunAsync("put", "still", "serving", "--socket", ring.Nodes[0].Socket)).ExitsWith(0);
    });

    [Fact]
    public async Task Data_folder_that_is_a_file_is_said_clearly()
    {
        using var folder = new TemporaryFolder();
        string data = folder.Combine("data");
        await File.WriteAllTextAsync(data, "not a folder");
        ProcessResult serve = await ServeAsync(data);
        serve.ExitsWith(5).SaysClearly(data);
        output.WriteLine(serve.Errors);
    }

    [Fact]
    public async Task Socket_path_that_is_too_long_is_said_clearly()
    {
        using var folder = new TemporaryFolder();
        ProcessResult serve = await ServeAsync(
            folder.Combine("data"), "--socket", folder.Combine(new string('s', 120)));
        serve.ExitsWith(5).SaysClearly("socket", "--socket");
        output.WriteLine(serve.Errors);
    }

    [Fact]
    public Task Second_storage_node_at_one_socket_is_said_clearly() => Ring.RunAsync(1, output, async ring =>
    {
        ProcessResult serve = await ServeAsync(ring.Scratch("second"), "--socket", ring.Nodes[0].Socket);
        serve.ExitsWith(5).SaysClearly();
        output.WriteLine(serve.Errors);
        (await Cli.RunAsync("put", "still", "serving", "--socket", ring.Nodes[0].Socket)).ExitsWith(0);
    });

    [SmallDiskFact]
    public async Task Read_only_data_folder_is_said_clearly()
    {
        using var folder = new TemporaryFolder();
        using var disk = Tmpfs.Mount(folder.Combine("disk"), 4);
        disk.MakeReadOnly();
        foreach (string data in (string[])[disk.Path, Path.Combine(disk.Path, "below")])
        {
            ProcessResult serve = await ServeAsync(data, "--socket", folder.Combine("igor.sock"));
            serve.ExitsWith(5).SaysClearly("read-only", disk.Path);
            output.WriteLine(serve.Errors);
        }
    }

    [SmallDiskFact]
    public async Task Full_disk_at_the_start_is_said_clearly()
    {
        using var folder = new TemporaryFolder();
        using var disk = Tmpfs.Mount(folder.Combine("disk"), 1);
        disk.Fill();
        ProcessResult serve = await ServeAsync(disk.Path, "--socket", folder.Combine("igor.sock"));
        serve.ExitsWith(5).SaysClearly("full", disk.Path);
        output.WriteLine(serve.Errors);
    }

    [SmallDiskFact]
    public async Task Disk_that_fills_up_refuses_puts_and_loses_nothing()
    {
        using var folder = new TemporaryFolder();
        using var disk = Tmpfs.Mount(folder.Combine("disk"), 8);
        await Ring.RunAsync(0, output, async ring =>
        {
            NodeProcess node = ring.Add(NodeProcess.Serve(ring.NextSettings() with { Data = disk.Path }));
            await node.StartAsync();
            var ledger = new Ledger();
            await using IgorDht dht = await ring.OpenAsync(node, TimeSpan.FromSeconds(10));

            // Large records first, then small ones: until there is no room for either.
            foreach (int bytes in (int[])[512 * KibiByte, 2 * KibiByte])
            {
                await FillAsync(ledger, dht, bytes);
            }

            Assert.InRange(ledger.Acknowledged, 2, 10_000);
            ProcessResult put = await Cli.RunAsync(
                new byte[64 * KibiByte], "put", "too-much", "--socket", node.Socket);
            output.WriteLine($"exit code {put.ExitCode}: {put.Errors}");
            Assert.InRange(put.ExitCode, 3, 5);
            put.SaysClearly("full");
            Assert.Empty(await ledger.CheckAsync([dht]));
            ProcessResult status = await Cli.RunAsync("status", "--json", "--socket", node.Socket);
            status.ExitsWith(0);
            output.WriteLine(status.Text);

            // It goes on once there is room, and a crash loses nothing that was acknowledged.
            disk.Resize(64);
            Assert.True(
                await ledger.PutAsync(dht, "again", Text(64 * KibiByte)), "no put though there is room");
            await node.KillAsync();
            await ring.ReviveAsync([node]);
            await using IgorDht again = await ring.OpenAsync(node);
            Assert.Empty(await ledger.CheckAsync([again]));
            await node.KillAsync();
        });
    }

    [SmallDiskFact]
    public async Task One_full_disk_of_five_fails_no_write_that_the_others_can_hold()
    {
        using var folder = new TemporaryFolder();
        using var disk = Tmpfs.Mount(folder.Combine("disk"), 8);
        await Ring.RunAsync(4, output, async ring =>
        {
            NodeProcess full = ring.Add(NodeProcess.Serve(ring.NextSettings() with { Data = disk.Path }));
            await full.StartAsync();
            await ring.UntilHealedAsync();
            var ledger = new Ledger();
            await using IgorDht first = await ring.OpenAsync(ring.Nodes[0], TimeSpan.FromSeconds(10));
            await using IgorDht last = await ring.OpenAsync(full, TimeSpan.FromSeconds(10));
            for (int i = 0; i < 60; i++)
            {
                IgorDht via = i % 2 == 0 ? first : last;
                Assert.True(await ledger.PutAsync(via, $"large/{i}", Text(256 * KibiByte)), "a put failed");
            }

            Assert.NotNull((await last.StatusAsync()).Store!.Trouble);
            Assert.Empty(await ledger.CheckAsync([first, last]));
            await full.KillAsync();
        });
    }

    [SmallDiskFact]
    public async Task Node_starts_on_a_disk_that_takes_nothing_and_serves_what_it_holds()
    {
        using var folder = new TemporaryFolder();
        using var disk = Tmpfs.Mount(folder.Combine("disk"), 16);
        await Ring.RunAsync(0, output, async ring =>
        {
            NodeSettings settings = ring.NextSettings() with
            {
                Data = disk.Path,
                Socket = folder.Combine("igor.sock"),
            };
            NodeProcess node = ring.Add(NodeProcess.Serve(settings));
            await node.StartAsync();
            (await Cli.RunAsync("put", "kept", "a value", "--socket", node.Socket)).ExitsWith(0);
            foreach (Action harm in (Action[])[disk.Fill, disk.MakeReadOnly])
            {
                await node.KillAsync();
                harm();
                await ring.ReviveAsync([node]);
                ProcessResult get = (await Cli.RunAsync("get", "kept", "--socket", node.Socket)).ExitsWith(0);
                Assert.Equal("a value", get.Text);
                ProcessResult put = await Cli.RunAsync(
                    new byte[256 * KibiByte], "put", "more", "--socket", node.Socket, "--timeout", "3");
                Assert.InRange(put.ExitCode, 3, 5);
                (await Cli.RunAsync("status", "--check", "--socket", node.Socket)).ExitsWith(3);
            }
        });
    }

    private static async Task FillAsync(Ledger ledger, IgorDht dht, int bytes)
    {
        int failures = 0;
        for (int i = 0; failures < 3; i++)
        {
            Assert.True(i < 10_000, "the disk does not fill up");
            failures += await ledger.PutAsync(dht, $"filler/{bytes}/{i}", Text(bytes)) ? 0 : 1;
        }
    }

    private static string Text(int length) => string.Create(length, 0, (text, _) =>
    {
        for (int i = 0, line = 0; i < text.Length; line++)
        {
            ReadOnlySpan<char> next = RealText.Line(line);
            next = next[..Math.Min(next.Length, text.Length - i)];
            next.CopyTo(text[i..]);
            i += next.Length;
        }
    });

    private static Task<ProcessResult> ServeAsync(string data, params string[] options) => Cli.RunAsync(
        ["serve", "--data", data, .. Listen(options), .. options]);

    private static string[] Listen(string[] options) =>
        options.Contains("--listen") ? [] : ["--listen", "127.0.0.1:0"];
}
