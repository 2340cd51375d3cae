using System.Diagnostics;
using Igor.Testing;

namespace Igor.Daemon.Tests;

/// <summary>Starts the real igord.</summary>
internal static class Igord
{
    // Tests that a script started in its background ignore SIGINT, and their children would inherit that.
    private const string Env = "/usr/bin/env";
    private const string TakesInterrupts = "--default-signal=INT";

    /// <summary>Where it is.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "igord");

    public static TestProcess Start(params string[] arguments) => Start(arguments, []);

    public static TestProcess Start(string[] arguments, params (string, string)[] environment)
    {
        ProcessStartInfo start = TestProcess.StartOf(Env, [TakesInterrupts, Program, .. arguments]);
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        TestProcess igord = TestProcess.Start(start);
        igord.CloseInput();
        return igord;
    }

    /// <summary>Waits until it serves; the addresses and the rest of the ready line by name.</summary>
    public static async Task<(string Address, string NodeId, string Socket)> ReadyAsync(
        this TestProcess igord)
    {
        string[] words = (await igord.LineAsync("ready")).Split(' ');
        string Value(string name) => words.Single(
            word => word.StartsWith(name + "=", StringComparison.Ordinal))[(name.Length + 1)..];
        return (words[1], Value("node"), Value("socket"));
    }
}
