using System.Text;
using Igor.Dht.Protocol;
using Igor.Kbr;
using Igor.Testing;

namespace Igor.Dht.Tests;

/// <summary>Registers through the public face, on a node of this process with a store on disk.</summary>
public sealed class RegisterApiTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Register_keeps_its_history_over_a_restart()
    {
        RegisterStamp second;
        await using (IgorDht dht = await OpenAsync())
        {
            Assert.Equal(RegisterOutcomeKind.Absent, (await dht.GetRegisterAsync("lock")).Outcome);
            RegisterResult first = await dht.PutRegisterAsync(
                "lock", "mine"u8.ToArray(), new RegisterOptions { IfAbsent = true });
            Assert.Equal((RegisterOutcomeKind.Written, 1), (first.Outcome, first.Voters));

            RegisterResult failed = await dht.PutRegisterAsync(
                "lock", "yours"u8.ToArray(), new RegisterOptions { IfAbsent = true });
            Assert.Equal(
                (RegisterOutcomeKind.ConditionFailed, first.Version), (failed.Outcome, failed.Version));
            second = (await dht.PutRegisterAsync(
                "lock", "yours"u8.ToArray(), new RegisterOptions { IfVersion = first.Version })).Version;
        }

        await using IgorDht again = await OpenAsync();
        RegisterResult read = await again.GetRegisterAsync("lock");
        Assert.Equal((second, "yours"), (read.Version, Encoding.UTF8.GetString(read.Value.Span)));
        Assert.Equal(
            RegisterOutcomeKind.Written, (await again.DeleteRegisterAsync("lock"u8.ToArray())).Outcome);
        Assert.Equal(RegisterOutcomeKind.Deleted, (await again.GetRegisterAsync("lock"u8.ToArray())).Outcome);
    }

    [Fact]
    public async Task What_cannot_be_asked_for_is_refused()
    {
        await using IgorDht dht = await OpenAsync();
        DhtException large = await Assert.ThrowsAsync<DhtException>(
            () => dht.PutRegisterAsync("k", new byte[(64 * 1024) + 1]));
        Assert.Equal(DhtError.Refused, large.Error);
        await Assert.ThrowsAsync<ArgumentException>(() => dht.PutRegisterAsync(
            "k", default, new RegisterOptions { IfAbsent = true, IfVersion = new RegisterStamp(1, 1, 1) }));
        await Assert.ThrowsAsync<ArgumentException>(() => dht.GetRegisterAsync(string.Empty));
    }

    [Fact]
    public async Task Log_of_promises_that_cannot_be_opened_is_a_trouble_of_the_node()
    {
        await using (IgorDht dht = await OpenAsync())
        {
            Assert.DoesNotContain((await dht.StatusAsync()).Troubles, t => t.Kind == TroubleKinds.Disk);
        }

        string log = Assert.Single(
            Directory.GetFiles(_folder.Path, "views.log", SearchOption.AllDirectories));
        File.Delete(log);
        Directory.CreateDirectory(log);
        await using IgorDht without = await OpenAsync();
        Trouble trouble = Assert.Single(
            (await without.StatusAsync()).Troubles, t => t.Kind == TroubleKinds.Disk);
        Assert.Contains("views.log", trouble.Text, StringComparison.Ordinal);
    }

    private Task<IgorDht> OpenAsync() => IgorDht.OpenAsync(new IgorDhtOptions
    {
        Data = _folder.Combine("data"),
        Socket = _folder.Combine("s"),
        UseDaemon = false,
        Listen = "127.0.0.1:0",
        Network = "test",
        Role = ServiceRole.Member,
    });
}
