using System.Text;
using System.Text.Json;

namespace Igor.Testing;

/// <summary>How a program ended and what it wrote.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Its standard output, byte for byte.</param>
/// <param name="Errors">Its standard error.</param>
/// <param name="FirstByte">Wall time from its start to the first byte of output; zero without output.</param>
/// <param name="Elapsed">Wall time from its start to its end.</param>
public sealed record ProcessResult(
    int ExitCode, byte[] Output, string Errors, TimeSpan FirstByte, TimeSpan Elapsed)
{
    /// <summary>The output as text.</summary>
    public string Text => Encoding.UTF8.GetString(Output);

    /// <summary>The output as JSON.</summary>
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    /// <summary>The error that --json prints.</summary>
    public JsonElement Error => JsonDocument.Parse(Errors).RootElement.GetProperty("error");

    /// <summary>Fails unless the exit code is this one, and says what the program wrote.</summary>
    public ProcessResult ExitsWith(int code)
    {
        Assert.True(code == ExitCode, $"exit code {ExitCode}, not {code}; output: {Text}; errors: {Errors}");
        return this;
    }

    /// <summary>Fails unless it is one clear line: no stack trace, and the given words in it.</summary>
    public ProcessResult SaysClearly(params string[] words)
    {
        Assert.DoesNotContain("   at ", Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled", Errors, StringComparison.Ordinal);
        Assert.InRange(Errors.Length, 1, 600);
        foreach (string word in words)
        {
            Assert.Contains(word, Errors, StringComparison.OrdinalIgnoreCase);
        }

        return this;
    }
}
