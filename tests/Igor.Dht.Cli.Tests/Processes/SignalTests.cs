using System.Runtime.InteropServices;
using Igor.Dht.Cli.Failures;
using Igor.Testing;

namespace Igor.Dht.Cli.Tests;

/// <summary>The first signal ends whatever a command waits for.</summary>
public sealed partial class SignalTests : IDisposable
{

    private readonly TestHome _home = new();

    public void Dispose() => _home.Dispose();

    [Theory]
    [InlineData(Signals.Interrupt, ExitCode.Interrupted)]
    [InlineData(Signals.Terminate, ExitCode.Terminated)]
    [InlineData(Signals.HangUp, ExitCode.HungUp)]
    public async Task Signal_ends_a_put_that_reads_its_value(int signal, int code)
    {
        using TestProcess put = await Cli.StartWaitingAsync(_home, "put", "name");
        Assert.Equal(code, await put.EndAsync(signal));
    }

    [Fact]
    public async Task Signal_ends_a_put_that_waits_for_a_writer_of_a_fifo()
    {
        using TestProcess put = await Cli.StartWaitingAsync(_home, "put", "name", "--file", Fifo());
        Assert.Equal(ExitCode.Interrupted, await put.EndAsync(Signals.Interrupt));
    }

    [Fact]
    public async Task Signal_ends_a_get_whose_value_nobody_takes()
    {
        (await Cli.RunAsync(_home, new byte[200_000], "put", "large")).AssertDone();

        // A pipe takes 64 KiB; the rest waits for a reader.
        using TestProcess toPipe = await Cli.StartWaitingAsync(_home, "get", "large");
        await toPipe.UntilOutputAsync();
        Assert.Equal(ExitCode.Terminated, await toPipe.EndAsync(Signals.Terminate));

        using TestProcess toFifo = await Cli.StartWaitingAsync(_home, "get", "large", "--output", Fifo());
        Assert.Equal(ExitCode.Interrupted, await toFifo.EndAsync(Signals.Interrupt));
    }

    [Fact]
    public async Task Hang_up_lets_a_node_leave_in_order()
    {
        (TestProcess node, _) = await Cli.ServeAsync(_home);
        using (node)
        {
            Assert.Equal(ExitCode.Done, await node.EndAsync(Signals.HangUp));
        }
    }

    [Theory]
    [InlineData("put name --timeout 8")]
    [InlineData("put name --file fifo --timeout 8")]
    [InlineData("put name value && $IGOR get name --output fifo --timeout 8")]
    public async Task Timeout_bounds_all_that_a_command_waits_for(string command)
    {
        Fifo();
        ProcessResult result = await Cli.RunShellAsync(_home, "($IGOR " + command + ") >/dev/null");
        result.AssertFailed(ExitCode.Local, "within 8 s");
    }

    private string Fifo()
    {
        string path = _home.Path("fifo");
        Assert.True(MakeFifo(path, 0x180) == 0, Marshal.GetLastPInvokeErrorMessage());
        return path;
    }

    [LibraryImport(
        "libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int MakeFifo(string path, uint mode);
}
