using System.Net.Sockets;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Dht.Cli.Tests;

public class CommandFailureTests
{
    public static TheoryData<Exception, int, string> Causes => new()
    {
        { new DhtException(DhtError.NotEnoughReplicas, "why"), ExitCode.Unreachable, "not_enough_replicas" },
        { new DhtException(DhtError.Unreachable, "why"), ExitCode.Unreachable, "unreachable" },
        { new DhtException(DhtError.Refused, "why"), ExitCode.Refused, "refused" },
        { new DhtException(DhtError.Local, "why"), ExitCode.Local, "local" },
        { new KbrException("why"), ExitCode.Local, "local" },
        { new IOException("why"), ExitCode.Local, "local" },
        { new UnauthorizedAccessException("why"), ExitCode.Local, "local" },
        { new SocketException(98, "why"), ExitCode.Local, "local" },
        { new ArgumentException("why", "parameter"), ExitCode.Usage, "usage" },
    };

    [Theory]
    [MemberData(nameof(Causes))]
    public void Cause_has_its_exit_code_and_kind(Exception cause, int exitCode, string kind)
    {
        CommandFailure? failure = CommandFailure.From(cause);

        Assert.NotNull(failure);
        Assert.Equal(exitCode, failure.ExitCode);
        Assert.Equal(kind, failure.Kind);
        Assert.Equal("why", failure.Message);
    }

    [Fact]
    public void Bug_is_no_failure()
    {
        Assert.Null(CommandFailure.From(new InvalidOperationException("bug")));
    }
}
