using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Igor.EndToEnd.Processes;

/// <summary>How a command ended.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Its standard output, byte for byte.</param>
/// <param name="Errors">Its standard error.</param>
/// <param name="FirstByte">Wall time from its start to the first byte of output; zero without output.</param>
/// <param name="Elapsed">Wall time from its start to its end.</param>
internal sealed record CliResult(
    int ExitCode, byte[] Output, string Errors, TimeSpan FirstByte, TimeSpan Elapsed)
{
    /// <summary>The output as text.</summary>
    public string Text => Encoding.UTF8.GetString(Output);

    /// <summary>The output as JSON.</summary>
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    /// <summary>The error that --json prints.</summary>
    public JsonElement Error => JsonDocument.Parse(Errors).RootElement.GetProperty("error");

    /// <summary>Fails unless the exit code is this one, and says what the command wrote.</summary>
    public CliResult ExitsWith(int code)
    {
        Assert.True(code == ExitCode, $"exit code {ExitCode}, not {code}; output: {Text}; errors: {Errors}");
        return this;
    }

    /// <summary>Fails unless it is one clear line: no stack trace, and the given words in it.</summary>
    public CliResult SaysClearly(params string[] words)
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

/// <summary>Runs igor-dht commands as a user would.</summary>
internal static class Cli
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>Runs a command without input.</summary>
    public static Task<CliResult> RunAsync(params string[] arguments) => RunAsync([], arguments);

    /// <summary>
    /// Runs a command with bytes on its standard input; one that hangs is killed and fails the test.
    /// </summary>
    public static Task<CliResult> RunAsync(byte[] input, params string[] arguments) =>
        RunAsync(Programs.IgorDht, input, s_patience, arguments);

    /// <summary>Runs any of the programs.</summary>
    public static Task<CliResult> RunAsync(
        string program, byte[] input, TimeSpan patience, params string[] arguments) =>
        RunAsync(Programs.Start(program, arguments), input, patience);

    /// <summary>Runs any program, in surroundings of its own.</summary>
    public static async Task<CliResult> RunAsync(ProcessStartInfo info, byte[] input, TimeSpan patience)
    {
        long start = Stopwatch.GetTimestamp();
        using var process = Process.Start(info)!;
        using var deadline = new CancellationTokenSource(patience);
        try
        {
            Task<string> errors = process.StandardError.ReadToEndAsync(deadline.Token);
            Task writing = WriteAsync(process.StandardInput.BaseStream, input, deadline.Token);
            var output = new MemoryStream();
            TimeSpan firstByte = TimeSpan.Zero;
            byte[] buffer = new byte[64 * 1024];
            Stream from = process.StandardOutput.BaseStream;
            while (await from.ReadAsync(buffer, deadline.Token) is int read and > 0)
            {
                firstByte = firstByte == TimeSpan.Zero ? Stopwatch.GetElapsedTime(start) : firstByte;
                output.Write(buffer, 0, read);
            }

            await process.WaitForExitAsync(deadline.Token);
            await writing;
            return new CliResult(
                process.ExitCode, output.ToArray(), await errors, firstByte, Stopwatch.GetElapsedTime(start));
        }
        catch (OperationCanceledException)
        {
            string command = $"{Path.GetFileName(info.FileName)} {string.Join(' ', info.ArgumentList)}";
            Assert.Fail($"{command} hung for {patience.TotalSeconds} s");
            throw;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    private static async Task WriteAsync(Stream stream, byte[] input, CancellationToken cancellation)
    {
        try
        {
            await stream.WriteAsync(input, cancellation);
            stream.Close();
        }
        catch (IOException)
        {
            // It ended without reading its input, as a command with a mistake does.
        }
    }
}
