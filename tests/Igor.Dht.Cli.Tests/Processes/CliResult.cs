using System.Text;
using System.Text.Json;

namespace Igor.Dht.Cli.Tests;

/// <summary>How a command ended and what it wrote.</summary>
internal sealed record CliResult(int Code, byte[] Out, string Error)
{
    /// <summary>Standard output as text.</summary>
    public string Text => Encoding.UTF8.GetString(Out);

    /// <summary>Standard output as JSON.</summary>
    public JsonElement Json => JsonDocument.Parse(Out).RootElement;

    /// <summary>
    /// Checks that the command failed as it should: code, one line, the cause in it, no output.
    /// </summary>
    public void AssertFailed(int code, string cause)
    {
        Assert.True(code == Code, $"exit code {Code} instead of {code}: {Error}");
        Assert.Empty(Out);
        Assert.StartsWith("igor-dht: ", Error, StringComparison.Ordinal);
        Assert.Single(Error.TrimEnd('\n').Split('\n'));
        Assert.Contains(cause, Error, StringComparison.Ordinal);
    }

    /// <summary>Checks that the command did what it should.</summary>
    public CliResult AssertDone()
    {
        Assert.True(Code == 0, $"exit code {Code}: {Error}");
        return this;
    }
}
