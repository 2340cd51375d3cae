using Igor.Dht.Cli.Failures;
using Igor.Testing;

namespace Igor.Dht.Cli.Tests;

/// <summary>How commands should end.</summary>
internal static class CliAssertions
{
    /// <summary>
    /// Checks that the command failed as it should: code, one line, the cause in it, no output.
    /// </summary>
    public static void AssertFailed(this ProcessResult result, int code, string cause)
    {
        result.ExitsWith(code);
        Assert.Empty(result.Output);
        Assert.StartsWith("igor-dht: ", result.Errors, StringComparison.Ordinal);
        Assert.Single(result.Errors.TrimEnd('\n').Split('\n'));
        Assert.Contains(cause, result.Errors, StringComparison.Ordinal);
    }

    /// <summary>Checks that the command did what it should.</summary>
    public static ProcessResult AssertDone(this ProcessResult result) => result.ExitsWith(ExitCode.Done);
}
